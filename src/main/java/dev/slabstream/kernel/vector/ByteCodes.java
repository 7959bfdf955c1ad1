package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.FIELDS;
import static dev.slabstream.kernel.vector.Lanes.FOUR_VECTORS;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Panels whose words hold four fields of 8 bits.
final class ByteCodes {
  private static final int WORD_BYTES = PANEL_ROWS * Integer.BYTES;

  private ByteCodes() {}

  /// As [NibbleCodes#sums], of a group of `groupElements`; written out again, since taking halves apart that are not there would cost a
  /// shift and a mask a word.
  static void sums(
      MemorySegment memory,
      long words,
      int groupElements,
      float[] x,
      int xAt,
      float[] sums,
      int sumsAt) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < groupElements / FIELDS; i++) {
      long word = words + (long) i * WORD_BYTES;
      IntVector w0 = Lanes.ints(memory, word);
      IntVector w1 = Lanes.ints(memory, word + Lanes.BYTES);
      IntVector w2 = FOUR_VECTORS ? Lanes.ints(memory, word + 2 * Lanes.BYTES) : w0;
      IntVector w3 = FOUR_VECTORS ? Lanes.ints(memory, word + 3 * Lanes.BYTES) : w0;
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

  /// As [NibbleCodes#tileSums], of a group of `groupElements`.
  static void tileSums(
      MemorySegment memory,
      long words,
      int groupElements,
      float[] x,
      int xAt,
      float[] sums,
      int sumsAt) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector a2 = a0;
    FloatVector b2 = a0;
    FloatVector a3 = a0;
    FloatVector b3 = a0;
    for (int i = 0; i < groupElements / FIELDS; i++) {
      long word = words + (long) i * WORD_BYTES;
      IntVector wa = Lanes.ints(memory, word);
      IntVector wb = Lanes.ints(memory, word + Lanes.BYTES);
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

  /// Terms of `numGroups` groups, `stride` bytes apart, as [Lanes#strip] orders them.
  static void unpack(
      MemorySegment memory,
      long offset,
      long stride,
      int groupElements,
      int numGroups,
      float[] out) {
    for (int g = 0; g < numGroups; g++) {
      for (int row = 0; row < PANEL_ROWS; row += Lanes.STRIP) {
        int at = Lanes.strip(row, numGroups * groupElements) + g * groupElements * Lanes.STRIP;
        long words = offset + g * stride + row * Integer.BYTES;
        for (int i = 0; i < groupElements / FIELDS; i++, at += FIELDS * Lanes.STRIP) {
          long word = words + (long) i * WORD_BYTES;
          Lanes.storeTerms(
              Lanes.ints(memory, word), Lanes.ints(memory, word + Lanes.BYTES), out, at);
        }
      }
    }
  }
}
