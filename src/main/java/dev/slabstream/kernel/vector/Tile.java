package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import jdk.incubator.vector.FloatVector;

/// The register-blocked product at the bottom of prefill and attention: `width` inputs times two vectors of columns, every element
/// one chain of fused multiply-adds in the order of `k`.
///
/// As many accumulators as the registers hold beside the operands; C2 spills beyond that: 24 of 32 registers at 512 bits, 8 of 16
/// below. They are written out, since C2 keeps local variables in registers, and not the elements of an array.
final class Tile {
  /// The widest tile, by the number of registers.
  static final int MAX_WIDTH = Lanes.BITS == 512 ? 12 : 4;

  private static final int NARROW = 4;

  private Tile() {}

  /// Width of the next tile when `remaining` inputs are left; the last one is padded.
  static int width(int remaining) {
    return remaining > 2 * NARROW ? MAX_WIDTH : NARROW;
  }

  /// `out[j][c] = start[j][c] + sum over k of x[k][j] * w[k][c]`, for the columns of two vectors.
  ///
  /// @param w0 offset of the first vector of columns at `k` = 0; further `k` follow at `wStride`
  /// @param w1 the same of the second vector
  /// @param x inputs `[numK][width]` from `xOffset` on
  /// @param start row `j` at `startOffset + j * startStride`: columns of the first vector, then those of the second
  /// @param out likewise; may be `start`
  static void multiply(
      int width,
      float[] w,
      int w0,
      int w1,
      int wStride,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    if (width == NARROW) {
      multiply4(
          w,
          w0,
          w1,
          wStride,
          numK,
          x,
          xOffset,
          start,
          startOffset,
          startStride,
          out,
          outOffset,
          outStride);
    } else {
      multiply12(
          w,
          w0,
          w1,
          wStride,
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

  private static void multiply4(
      float[] w,
      int w0,
      int w1,
      int wStride,
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
    for (int k = 0; k < numK; k++) {
      FloatVector wa = FloatVector.fromArray(F, w, w0 + k * wStride);
      FloatVector wb = FloatVector.fromArray(F, w, w1 + k * wStride);
      int at = xOffset + k * 4;
      FloatVector x0 = FloatVector.broadcast(F, x[at]);
      a0 = wa.fma(x0, a0);
      b0 = wb.fma(x0, b0);
      FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
      a1 = wa.fma(x1, a1);
      b1 = wb.fma(x1, b1);
      FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
      a2 = wa.fma(x2, a2);
      b2 = wb.fma(x2, b2);
      FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
      a3 = wa.fma(x3, a3);
      b3 = wb.fma(x3, b3);
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

  private static void multiply12(
      float[] w,
      int w0,
      int w1,
      int wStride,
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
    FloatVector a4 = FloatVector.fromArray(F, start, startOffset + 4 * startStride);
    FloatVector b4 = FloatVector.fromArray(F, start, startOffset + 4 * startStride + LENGTH);
    FloatVector a5 = FloatVector.fromArray(F, start, startOffset + 5 * startStride);
    FloatVector b5 = FloatVector.fromArray(F, start, startOffset + 5 * startStride + LENGTH);
    FloatVector a6 = FloatVector.fromArray(F, start, startOffset + 6 * startStride);
    FloatVector b6 = FloatVector.fromArray(F, start, startOffset + 6 * startStride + LENGTH);
    FloatVector a7 = FloatVector.fromArray(F, start, startOffset + 7 * startStride);
    FloatVector b7 = FloatVector.fromArray(F, start, startOffset + 7 * startStride + LENGTH);
    FloatVector a8 = FloatVector.fromArray(F, start, startOffset + 8 * startStride);
    FloatVector b8 = FloatVector.fromArray(F, start, startOffset + 8 * startStride + LENGTH);
    FloatVector a9 = FloatVector.fromArray(F, start, startOffset + 9 * startStride);
    FloatVector b9 = FloatVector.fromArray(F, start, startOffset + 9 * startStride + LENGTH);
    FloatVector a10 = FloatVector.fromArray(F, start, startOffset + 10 * startStride);
    FloatVector b10 = FloatVector.fromArray(F, start, startOffset + 10 * startStride + LENGTH);
    FloatVector a11 = FloatVector.fromArray(F, start, startOffset + 11 * startStride);
    FloatVector b11 = FloatVector.fromArray(F, start, startOffset + 11 * startStride + LENGTH);
    for (int k = 0; k < numK; k++) {
      FloatVector wa = FloatVector.fromArray(F, w, w0 + k * wStride);
      FloatVector wb = FloatVector.fromArray(F, w, w1 + k * wStride);
      int at = xOffset + k * 12;
      FloatVector x0 = FloatVector.broadcast(F, x[at]);
      a0 = wa.fma(x0, a0);
      b0 = wb.fma(x0, b0);
      FloatVector x1 = FloatVector.broadcast(F, x[at + 1]);
      a1 = wa.fma(x1, a1);
      b1 = wb.fma(x1, b1);
      FloatVector x2 = FloatVector.broadcast(F, x[at + 2]);
      a2 = wa.fma(x2, a2);
      b2 = wb.fma(x2, b2);
      FloatVector x3 = FloatVector.broadcast(F, x[at + 3]);
      a3 = wa.fma(x3, a3);
      b3 = wb.fma(x3, b3);
      FloatVector x4 = FloatVector.broadcast(F, x[at + 4]);
      a4 = wa.fma(x4, a4);
      b4 = wb.fma(x4, b4);
      FloatVector x5 = FloatVector.broadcast(F, x[at + 5]);
      a5 = wa.fma(x5, a5);
      b5 = wb.fma(x5, b5);
      FloatVector x6 = FloatVector.broadcast(F, x[at + 6]);
      a6 = wa.fma(x6, a6);
      b6 = wb.fma(x6, b6);
      FloatVector x7 = FloatVector.broadcast(F, x[at + 7]);
      a7 = wa.fma(x7, a7);
      b7 = wb.fma(x7, b7);
      FloatVector x8 = FloatVector.broadcast(F, x[at + 8]);
      a8 = wa.fma(x8, a8);
      b8 = wb.fma(x8, b8);
      FloatVector x9 = FloatVector.broadcast(F, x[at + 9]);
      a9 = wa.fma(x9, a9);
      b9 = wb.fma(x9, b9);
      FloatVector x10 = FloatVector.broadcast(F, x[at + 10]);
      a10 = wa.fma(x10, a10);
      b10 = wb.fma(x10, b10);
      FloatVector x11 = FloatVector.broadcast(F, x[at + 11]);
      a11 = wa.fma(x11, a11);
      b11 = wb.fma(x11, b11);
    }
    a0.intoArray(out, outOffset);
    b0.intoArray(out, outOffset + LENGTH);
    a1.intoArray(out, outOffset + outStride);
    b1.intoArray(out, outOffset + outStride + LENGTH);
    a2.intoArray(out, outOffset + 2 * outStride);
    b2.intoArray(out, outOffset + 2 * outStride + LENGTH);
    a3.intoArray(out, outOffset + 3 * outStride);
    b3.intoArray(out, outOffset + 3 * outStride + LENGTH);
    a4.intoArray(out, outOffset + 4 * outStride);
    b4.intoArray(out, outOffset + 4 * outStride + LENGTH);
    a5.intoArray(out, outOffset + 5 * outStride);
    b5.intoArray(out, outOffset + 5 * outStride + LENGTH);
    a6.intoArray(out, outOffset + 6 * outStride);
    b6.intoArray(out, outOffset + 6 * outStride + LENGTH);
    a7.intoArray(out, outOffset + 7 * outStride);
    b7.intoArray(out, outOffset + 7 * outStride + LENGTH);
    a8.intoArray(out, outOffset + 8 * outStride);
    b8.intoArray(out, outOffset + 8 * outStride + LENGTH);
    a9.intoArray(out, outOffset + 9 * outStride);
    b9.intoArray(out, outOffset + 9 * outStride + LENGTH);
    a10.intoArray(out, outOffset + 10 * outStride);
    b10.intoArray(out, outOffset + 10 * outStride + LENGTH);
    a11.intoArray(out, outOffset + 11 * outStride);
    b11.intoArray(out, outOffset + 11 * outStride + LENGTH);
  }
}
