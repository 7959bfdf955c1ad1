package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.EACH_FIELD;
import static dev.slabstream.kernel.PackedPanels.NIBBLE_MASK;
import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.FIELDS;
import static dev.slabstream.kernel.vector.Lanes.FOUR_VECTORS;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Panels whose words hold twice four fields of 4 bits.
final class NibbleCodes {
  static final int GROUP_ELEMENTS = 32;
  private static final int WORD_BYTES = PANEL_ROWS * Integer.BYTES;

  /// Ints of four fields in a group: two from each word.
  private static final int GROUP_INTS = GROUP_ELEMENTS / FIELDS;

  private NibbleCodes() {}

  /// Sums of term times input over one group, for one token, of the [Lanes#ROWS] rows at `words`, with inputs from `xAt` on. Each vector
  /// is one chain. Four hide the latency of the multiply-add; where there are but two, the chains of the next group, which the
  /// processor begins meanwhile.
  ///
  /// The half of the words is chosen inside the loop, and words are loaded for each: C2 then has few values alive, and spills none.
  static void sums(
      MemorySegment memory, long words, int bias, float[] x, int xAt, float[] sums, int sumsAt) {
    IntVector mask = IntVector.broadcast(Lanes.I, NIBBLE_MASK);
    IntVector biases = IntVector.broadcast(Lanes.I, bias * EACH_FIELD);
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < GROUP_INTS; i++) {
      int half = i % 2 * 4;
      long word = words + (long) (i / 2) * WORD_BYTES;
      IntVector w0 = fields(memory, word, half, mask, biases);
      IntVector w1 = fields(memory, word + Lanes.BYTES, half, mask, biases);
      IntVector w2 = FOUR_VECTORS ? fields(memory, word + 2 * Lanes.BYTES, half, mask, biases) : w0;
      IntVector w3 = FOUR_VECTORS ? fields(memory, word + 3 * Lanes.BYTES, half, mask, biases) : w0;
      for (int field = 0; field < FIELDS; field++) {
        FloatVector input = FloatVector.broadcast(F, x[xAt + i * FIELDS + field]);
        s0 = Lanes.toFloats(w0).fma(input, s0);
        s1 = Lanes.toFloats(w1).fma(input, s1);
        w0 = w0.lanewise(VectorOperators.LSHL, 8);
        w1 = w1.lanewise(VectorOperators.LSHL, 8);
        if (FOUR_VECTORS) {
          s2 = Lanes.toFloats(w2).fma(input, s2);
          s3 = Lanes.toFloats(w3).fma(input, s3);
          w2 = w2.lanewise(VectorOperators.LSHL, 8);
          w3 = w3.lanewise(VectorOperators.LSHL, 8);
        }
      }
    }
    s0.intoArray(sums, sumsAt);
    s1.intoArray(sums, sumsAt + LENGTH);
    if (FOUR_VECTORS) {
      s2.intoArray(sums, sumsAt + 2 * LENGTH);
      s3.intoArray(sums, sumsAt + 3 * LENGTH);
    }
  }

  /// As [#sums], of one group for the 4 tokens of a tile and two vectors of rows, those at `words`.
  ///
  /// @param x inputs `[32][4]` from `xAt` on
  /// @param sums of token `j` from `sumsAt + 32 j` on
  static void tileSums(
      MemorySegment memory, long words, int bias, float[] x, int xAt, float[] sums, int sumsAt) {
    IntVector mask = IntVector.broadcast(Lanes.I, NIBBLE_MASK);
    IntVector biases = IntVector.broadcast(Lanes.I, bias * EACH_FIELD);
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector a2 = a0;
    FloatVector b2 = a0;
    FloatVector a3 = a0;
    FloatVector b3 = a0;
    for (int i = 0; i < GROUP_INTS; i++) {
      long word = words + (long) (i / 2) * WORD_BYTES;
      int half = i % 2 * 4;
      IntVector wa = fields(memory, word, half, mask, biases);
      IntVector wb = fields(memory, word + Lanes.BYTES, half, mask, biases);
      for (int field = 0; field < FIELDS; field++, xAt += Tile.WIDTH) {
        FloatVector ta = Lanes.toFloats(wa);
        FloatVector tb = Lanes.toFloats(wb);
        FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
        a0 = ta.fma(x0, a0);
        b0 = tb.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
        a1 = ta.fma(x1, a1);
        b1 = tb.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
        a2 = ta.fma(x2, a2);
        b2 = tb.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
        a3 = ta.fma(x3, a3);
        b3 = tb.fma(x3, b3);
        wa = wa.lanewise(VectorOperators.LSHL, 8);
        wb = wb.lanewise(VectorOperators.LSHL, 8);
      }
    }
    a0.intoArray(sums, sumsAt);
    b0.intoArray(sums, sumsAt + LENGTH);
    a1.intoArray(sums, sumsAt + PANEL_ROWS);
    b1.intoArray(sums, sumsAt + PANEL_ROWS + LENGTH);
    a2.intoArray(sums, sumsAt + 2 * PANEL_ROWS);
    b2.intoArray(sums, sumsAt + 2 * PANEL_ROWS + LENGTH);
    a3.intoArray(sums, sumsAt + 3 * PANEL_ROWS);
    b3.intoArray(sums, sumsAt + 3 * PANEL_ROWS + LENGTH);
  }

  private static IntVector fields(
      MemorySegment memory, long at, int half, IntVector mask, IntVector biases) {
    return Lanes.ints(memory, at).lanewise(VectorOperators.LSHR, half).and(mask).add(biases);
  }

  /// Terms of `numGroups` groups, `stride` bytes apart, as [Lanes#strip] orders them.
  static void unpack(
      MemorySegment memory, long offset, long stride, int bias, int numGroups, float[] out) {
    IntVector mask = IntVector.broadcast(Lanes.I, NIBBLE_MASK);
    IntVector biases = IntVector.broadcast(Lanes.I, bias * EACH_FIELD);
    for (int g = 0; g < numGroups; g++) {
      for (int row = 0; row < PANEL_ROWS; row += Lanes.STRIP) {
        int at = Lanes.strip(row, numGroups * GROUP_ELEMENTS) + g * GROUP_ELEMENTS * Lanes.STRIP;
        long words = offset + g * stride + row * Integer.BYTES;
        for (int i = 0; i < GROUP_INTS; i++, at += FIELDS * Lanes.STRIP) {
          long word = words + (long) (i / 2) * WORD_BYTES;
          int half = i % 2 * 4;
          Lanes.storeTerms(
              fields(memory, word, half, mask, biases),
              fields(memory, word + Lanes.BYTES, half, mask, biases),
              out,
              at);
        }
      }
    }
  }
}
