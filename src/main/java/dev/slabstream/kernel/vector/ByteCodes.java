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

  /// As in [NibbleCodes], with groups of `groupElements`.
  static void sums(
      MemorySegment memory,
      long offset,
      int groupElements,
      int numGroups,
      float[] x,
      int xOffset,
      float[] sums) {
    int groupWords = groupElements / WORD_CODES;
    for (int group = 0; group < numGroups; group += 2) {
      long words = offset + (long) group * groupWords * WORD_BYTES;
      int next = Math.min(group + 1, numGroups - 1);
      for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
        pairSums(
            memory,
            words + row * Integer.BYTES,
            groupWords,
            x,
            xOffset + group * groupElements,
            xOffset + next * groupElements,
            sums,
            group * PANEL_ROWS + row);
      }
    }
  }

  private static void pairSums(
      MemorySegment memory,
      long words,
      int groupWords,
      float[] x,
      int xa,
      int xb,
      float[] sums,
      int sum) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int word = 0; word < groupWords; word++) {
      long at = words + word * 2 * WORD_BYTES;
      IntVector wa0 = Lanes.ints(memory, at);
      IntVector wa1 = Lanes.ints(memory, at + LENGTH * Integer.BYTES);
      IntVector wb0 = Lanes.ints(memory, at + WORD_BYTES);
      IntVector wb1 = Lanes.ints(memory, at + WORD_BYTES + LENGTH * Integer.BYTES);
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
    a0.intoArray(sums, sum);
    a1.intoArray(sums, sum + LENGTH);
    b0.intoArray(sums, sum + PANEL_ROWS);
    b1.intoArray(sums, sum + PANEL_ROWS + LENGTH);
  }

  /// The lowest code of each word, with its sign.
  private static FloatVector lowest(IntVector words) {
    return Lanes.toFloats(
        words.lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 24));
  }

  /// Codes as floats, `[numGroups][groupElements][32 rows]`.
  static void unpack(
      MemorySegment memory, long offset, int groupElements, int numGroups, float[] out) {
    int groupWords = groupElements / WORD_CODES;
    for (int word = 0; word < numGroups * groupWords; word++) {
      int group = word / groupWords;
      int index = (group / 2 * groupWords + word % groupWords) * 2 + group % 2;
      for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
        IntVector codes =
            Lanes.ints(memory, offset + (long) index * WORD_BYTES + row * Integer.BYTES);
        for (int i = 0; i < WORD_CODES; i++) {
          lowest(codes).intoArray(out, (word * WORD_CODES + i) * PANEL_ROWS + row);
          codes = codes.lanewise(VectorOperators.LSHR, 8);
        }
      }
    }
  }
}
