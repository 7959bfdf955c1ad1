package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Panels whose words hold four signed codes of 8 bits.
final class ByteCodes {
  private static final int WORD_CODES = 4;
  private static final int WORD_BYTES = PANEL_ROWS * Integer.BYTES;

  private ByteCodes() {}

  /// Sums of code times input over each group, for one token: sums `[numGroups][32 rows]`. Two groups at a time, as in
  /// [NibbleCodes].
  static void sums(
      MemorySegment memory,
      long offset,
      int groupElements,
      int numGroups,
      float[] x,
      int xOffset,
      float[] sums) {
    long groupBytes = (long) groupElements / WORD_CODES * WORD_BYTES;
    int half = (numGroups + 1) / 2;
    for (int group = 0; group < half; group++) {
      int next = Math.min(group + half, numGroups - 1);
      for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
        pairSums(
            memory,
            offset + group * groupBytes + row * Integer.BYTES,
            offset + next * groupBytes + row * Integer.BYTES,
            groupElements / WORD_CODES,
            x,
            xOffset + group * groupElements,
            xOffset + next * groupElements,
            sums,
            group * PANEL_ROWS + row,
            next * PANEL_ROWS + row);
      }
    }
  }

  private static void pairSums(
      MemorySegment memory,
      long a,
      long b,
      int groupWords,
      float[] x,
      int xa,
      int xb,
      float[] sums,
      int sa,
      int sb) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int word = 0; word < groupWords; word++) {
      IntVector wa0 = Lanes.ints(memory, a + word * WORD_BYTES);
      IntVector wa1 = Lanes.ints(memory, a + word * WORD_BYTES + LENGTH * Integer.BYTES);
      IntVector wb0 = Lanes.ints(memory, b + word * WORD_BYTES);
      IntVector wb1 = Lanes.ints(memory, b + word * WORD_BYTES + LENGTH * Integer.BYTES);
      for (int i = 0; i < WORD_CODES; i++) {
        FloatVector inputA = FloatVector.broadcast(F, x[xa + word * WORD_CODES + i]);
        FloatVector inputB = FloatVector.broadcast(F, x[xb + word * WORD_CODES + i]);
        a0 = lowest(wa0).fma(inputA, a0);
        a1 = lowest(wa1).fma(inputA, a1);
        b0 = lowest(wb0).fma(inputB, b0);
        b1 = lowest(wb1).fma(inputB, b1);
        wa0 = wa0.lanewise(VectorOperators.LSHR, 8);
        wa1 = wa1.lanewise(VectorOperators.LSHR, 8);
        wb0 = wb0.lanewise(VectorOperators.LSHR, 8);
        wb1 = wb1.lanewise(VectorOperators.LSHR, 8);
      }
    }
    a0.intoArray(sums, sa);
    a1.intoArray(sums, sa + LENGTH);
    b0.intoArray(sums, sb);
    b1.intoArray(sums, sb + LENGTH);
  }

  /// The lowest code of each word, with its sign.
  private static FloatVector lowest(IntVector words) {
    return Lanes.toFloats(
        words.lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 24));
  }

  /// Codes as floats, `[numElements][32 rows]`.
  static void unpack(MemorySegment memory, long offset, int numElements, float[] out) {
    for (int word = 0; word < numElements / WORD_CODES; word++) {
      for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
        IntVector codes = Lanes.ints(memory, offset + word * WORD_BYTES + row * Integer.BYTES);
        for (int i = 0; i < WORD_CODES; i++) {
          lowest(codes).intoArray(out, (word * WORD_CODES + i) * PANEL_ROWS + row);
          codes = codes.lanewise(VectorOperators.LSHR, 8);
        }
      }
    }
  }
}
