package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Panels whose words hold eight unsigned codes of 4 bits.
final class NibbleCodes {
  private static final int WORD_CODES = 8;
  private static final int WORD_BYTES = PANEL_ROWS * Integer.BYTES;
  static final int GROUP_ELEMENTS = 32;
  private static final int GROUP_WORDS = GROUP_ELEMENTS / WORD_CODES;

  private NibbleCodes() {}

  /// Sums of code times input over each group, for one token: sums `[numGroups][32 rows]`, and one row of zeros after an odd last.
  ///
  /// Two groups at a time, and two vectors of rows: four chains hide the latency of the multiply-add.
  static void sums(
      MemorySegment memory, long offset, int numGroups, float[] x, int xOffset, float[] sums) {
    for (int group = 0; group < numGroups; group += 2) {
      long words = offset + (long) group * GROUP_WORDS * WORD_BYTES;
      int next = Math.min(group + 1, numGroups - 1);
      for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
        pairSums(
            memory,
            words + row * Integer.BYTES,
            x,
            xOffset + group * GROUP_ELEMENTS,
            xOffset + next * GROUP_ELEMENTS,
            sums,
            group * PANEL_ROWS + row);
      }
    }
  }

  private static void pairSums(
      MemorySegment memory, long words, float[] x, int xa, int xb, float[] sums, int sum) {
    IntVector mask = IntVector.broadcast(Lanes.I, 15);
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int word = 0; word < GROUP_WORDS; word++) {
      long at = words + word * 2 * WORD_BYTES;
      IntVector wa0 = Lanes.ints(memory, at);
      IntVector wa1 = Lanes.ints(memory, at + LENGTH * Integer.BYTES);
      IntVector wb0 = Lanes.ints(memory, at + WORD_BYTES);
      IntVector wb1 = Lanes.ints(memory, at + WORD_BYTES + LENGTH * Integer.BYTES);
      for (int i = 0; i < WORD_CODES; i++) {
        FloatVector inputA = FloatVector.broadcast(F, x[xa + word * WORD_CODES + i]);
        FloatVector inputB = FloatVector.broadcast(F, x[xb + word * WORD_CODES + i]);
        a0 = Lanes.toFloats(wa0.and(mask)).fma(inputA, a0);
        a1 = Lanes.toFloats(wa1.and(mask)).fma(inputA, a1);
        b0 = Lanes.toFloats(wb0.and(mask)).fma(inputB, b0);
        b1 = Lanes.toFloats(wb1.and(mask)).fma(inputB, b1);
        wa0 = wa0.lanewise(VectorOperators.LSHR, 4);
        wa1 = wa1.lanewise(VectorOperators.LSHR, 4);
        wb0 = wb0.lanewise(VectorOperators.LSHR, 4);
        wb1 = wb1.lanewise(VectorOperators.LSHR, 4);
      }
    }
    a0.intoArray(sums, sum);
    a1.intoArray(sums, sum + LENGTH);
    b0.intoArray(sums, sum + PANEL_ROWS);
    b1.intoArray(sums, sum + PANEL_ROWS + LENGTH);
  }

  /// Codes as floats, `[numGroups][32 elements][32 rows]`.
  static void unpack(MemorySegment memory, long offset, int numGroups, float[] out) {
    IntVector mask = IntVector.broadcast(Lanes.I, 15);
    for (int word = 0; word < numGroups * GROUP_WORDS; word++) {
      int group = word / GROUP_WORDS;
      int index = (group / 2 * GROUP_WORDS + word % GROUP_WORDS) * 2 + group % 2;
      for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
        IntVector codes =
            Lanes.ints(memory, offset + (long) index * WORD_BYTES + row * Integer.BYTES);
        for (int i = 0; i < WORD_CODES; i++) {
          Lanes.toFloats(codes.and(mask))
              .intoArray(out, (word * WORD_CODES + i) * PANEL_ROWS + row);
          codes = codes.lanewise(VectorOperators.LSHR, 4);
        }
      }
    }
  }
}
