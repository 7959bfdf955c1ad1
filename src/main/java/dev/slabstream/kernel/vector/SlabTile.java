package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.tensor.KvLayout.STRIP_TOKENS;

import dev.slabstream.tensor.KvType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// [AttentionTile] with the weights in the slab, for few queries: they are read once and turned into floats in registers, so that
/// memory is read while products are computed. One loop a type, since C2 makes good code of a loop without choices only.
final class SlabTile {
  private static final int STRIDE = AttentionTile.ROW_STRIDE;

  private SlabTile() {}

  /// `out[j][c] = start[j][c] + sum over strips and k of x[j][k] * w[k][c]`, for four rows and the columns of two vectors.
  ///
  /// @param strips offsets in the slab, `numStrips` of them from 0 on
  /// @param w0 from there to the first vector of columns at `k` = 0; consecutive `k` are 16 elements apart
  /// @param w1 the same of the second vector
  /// @param numK of each strip
  /// @param x row `j` at `xOffset + j * ROW_STRIDE`, strip after strip; where the slab holds 16-bit floats times [Lanes#HALF_SCALE]
  /// @param start row `j` at `startOffset + j * startStride`: columns of the first vector, then those of the second
  /// @param out likewise; may be `start`
  static void multiply(
      KvType type,
      MemorySegment slab,
      long[] strips,
      int numStrips,
      long w0,
      long w1,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    switch (type) {
      case F32 ->
          multiplyFloats(
              slab,
              strips,
              numStrips,
              w0,
              w1,
              numK,
              x,
              xOffset,
              start,
              startOffset,
              startStride,
              out,
              outOffset,
              outStride);
      case F16 ->
          multiplyHalves(
              slab,
              strips,
              numStrips,
              w0,
              w1,
              numK,
              x,
              xOffset,
              start,
              startOffset,
              startStride,
              out,
              outOffset,
              outStride);
      case Q8 ->
          multiplyCodes(
              slab,
              strips,
              numStrips,
              w0,
              w1,
              numK,
              x,
              xOffset,
              start,
              startOffset,
              startStride,
              out,
              outOffset,
              outStride);
    }
  }

  private static void multiplyFloats(
      MemorySegment slab,
      long[] strips,
      int numStrips,
      long w0,
      long w1,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector a0 = FloatVector.fromArray(F, start, startOffset);
    FloatVector b0 = FloatVector.fromArray(F, start, startOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, start, startOffset + startStride);
    FloatVector b1 = FloatVector.fromArray(F, start, startOffset + startStride + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride);
    FloatVector b2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride);
    FloatVector b3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride + LENGTH);
    for (int strip = 0; strip < numStrips; strip++) {
      long first = strips[strip] + w0;
      long second = strips[strip] + w1;
      int row = xOffset + strip * numK;
      for (int k = 0; k < numK; k++) {
        int at = row + k;
        FloatVector wa = Lanes.floats(slab, first + (long) k * (STRIP_TOKENS * Float.BYTES));
        FloatVector wb = Lanes.floats(slab, second + (long) k * (STRIP_TOKENS * Float.BYTES));
        FloatVector x0 = FloatVector.broadcast(F, x[at]);
        a0 = wa.fma(x0, a0);
        b0 = wb.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(F, x[at + STRIDE]);
        a1 = wa.fma(x1, a1);
        b1 = wb.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(F, x[at + 2 * STRIDE]);
        a2 = wa.fma(x2, a2);
        b2 = wb.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(F, x[at + 3 * STRIDE]);
        a3 = wa.fma(x3, a3);
        b3 = wb.fma(x3, b3);
      }
    }
    a0.intoArray(out, outOffset);
    b0.intoArray(out, outOffset + LENGTH);
    a1.intoArray(out, outOffset + outStride);
    b1.intoArray(out, outOffset + outStride + LENGTH);
    a2.intoArray(out, outOffset + 2 * outStride);
    b2.intoArray(out, outOffset + 2 * outStride + LENGTH);
    a3.intoArray(out, outOffset + 3 * outStride);
    b3.intoArray(out, outOffset + 3 * outStride + LENGTH);
  }

  private static void multiplyHalves(
      MemorySegment slab,
      long[] strips,
      int numStrips,
      long w0,
      long w1,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector a0 = FloatVector.fromArray(F, start, startOffset);
    FloatVector b0 = FloatVector.fromArray(F, start, startOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, start, startOffset + startStride);
    FloatVector b1 = FloatVector.fromArray(F, start, startOffset + startStride + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride);
    FloatVector b2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride);
    FloatVector b3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride + LENGTH);
    for (int strip = 0; strip < numStrips; strip++) {
      long first = strips[strip] + w0;
      long second = strips[strip] + w1;
      int row = xOffset + strip * numK;
      for (int k = 0; k < numK; k++) {
        int at = row + k;
        FloatVector wa = Lanes.smallHalves(slab, first + (long) k * (STRIP_TOKENS * Short.BYTES));
        FloatVector wb = Lanes.smallHalves(slab, second + (long) k * (STRIP_TOKENS * Short.BYTES));
        FloatVector x0 = FloatVector.broadcast(F, x[at]);
        a0 = wa.fma(x0, a0);
        b0 = wb.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(F, x[at + STRIDE]);
        a1 = wa.fma(x1, a1);
        b1 = wb.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(F, x[at + 2 * STRIDE]);
        a2 = wa.fma(x2, a2);
        b2 = wb.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(F, x[at + 3 * STRIDE]);
        a3 = wa.fma(x3, a3);
        b3 = wb.fma(x3, b3);
      }
    }
    a0.intoArray(out, outOffset);
    b0.intoArray(out, outOffset + LENGTH);
    a1.intoArray(out, outOffset + outStride);
    b1.intoArray(out, outOffset + outStride + LENGTH);
    a2.intoArray(out, outOffset + 2 * outStride);
    b2.intoArray(out, outOffset + 2 * outStride + LENGTH);
    a3.intoArray(out, outOffset + 3 * outStride);
    b3.intoArray(out, outOffset + 3 * outStride + LENGTH);
  }

  private static void multiplyCodes(
      MemorySegment slab,
      long[] strips,
      int numStrips,
      long w0,
      long w1,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector a0 = FloatVector.fromArray(F, start, startOffset);
    FloatVector b0 = FloatVector.fromArray(F, start, startOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, start, startOffset + startStride);
    FloatVector b1 = FloatVector.fromArray(F, start, startOffset + startStride + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride);
    FloatVector b2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride);
    FloatVector b3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride + LENGTH);
    for (int strip = 0; strip < numStrips; strip++) {
      long first = strips[strip] + w0;
      long second = strips[strip] + w1;
      int row = xOffset + strip * numK;
      for (int k = 0; k < numK; k++) {
        int at = row + k;
        FloatVector wa = Lanes.bytes(slab, first + (long) k * (STRIP_TOKENS * Byte.BYTES));
        FloatVector wb = Lanes.bytes(slab, second + (long) k * (STRIP_TOKENS * Byte.BYTES));
        FloatVector x0 = FloatVector.broadcast(F, x[at]);
        a0 = wa.fma(x0, a0);
        b0 = wb.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(F, x[at + STRIDE]);
        a1 = wa.fma(x1, a1);
        b1 = wb.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(F, x[at + 2 * STRIDE]);
        a2 = wa.fma(x2, a2);
        b2 = wb.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(F, x[at + 3 * STRIDE]);
        a3 = wa.fma(x3, a3);
        b3 = wb.fma(x3, b3);
      }
    }
    a0.intoArray(out, outOffset);
    b0.intoArray(out, outOffset + LENGTH);
    a1.intoArray(out, outOffset + outStride);
    b1.intoArray(out, outOffset + outStride + LENGTH);
    a2.intoArray(out, outOffset + 2 * outStride);
    b2.intoArray(out, outOffset + 2 * outStride + LENGTH);
    a3.intoArray(out, outOffset + 3 * outStride);
    b3.intoArray(out, outOffset + 3 * outStride + LENGTH);
  }
}
