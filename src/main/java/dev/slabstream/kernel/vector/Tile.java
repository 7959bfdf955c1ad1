package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import jdk.incubator.vector.FloatVector;

/// The register-blocked product at the bottom of prefill: `width` inputs times two vectors of columns, every element
/// one chain of fused multiply-adds in the order of `k`.
///
/// As many accumulators as the registers hold beside the operands; C2 spills beyond that: 24 of 32 registers at 512 bits, 8 of 16
/// below. They are written out, since C2 keeps local variables in registers, and not the elements of an array. The loops count offsets
/// up by constants: offsets computed anew from `k` take registers for integers, of which C2 then has too few.
final class Tile {
  /// The widest tile, by the number of registers.
  static final int MAX_WIDTH = Lanes.BITS == 512 ? 12 : 4;

  static final int NARROW = 4;

  private Tile() {}

  /// Width of the next tile when `remaining` inputs are left; the last one is padded.
  static int width(int remaining) {
    return MAX_WIDTH > NARROW && remaining > 2 * NARROW ? MAX_WIDTH : NARROW;
  }

  /// `acc[j][c] += sum over k of x[k][j] * w[k][c]`, for the columns of a strip.
  ///
  /// @param w weights `[numK][STRIP]` from `wOffset` on
  /// @param x inputs `[numK][width]` from `xOffset` on
  /// @param acc row `j` at `accOffset + 32 j`
  static void multiply(
      int width,
      float[] w,
      int wOffset,
      int numK,
      float[] x,
      int xOffset,
      float[] acc,
      int accOffset) {
    if (width == NARROW) {
      multiply4(w, wOffset, numK, x, xOffset, acc, accOffset);
    } else {
      multiply12(w, wOffset, numK, x, xOffset, acc, accOffset);
    }
  }

  private static void multiply4(
      float[] w, int wOffset, int numK, float[] x, int xOffset, float[] acc, int accOffset) {
    FloatVector a0 = FloatVector.fromArray(F, acc, accOffset);
    FloatVector b0 = FloatVector.fromArray(F, acc, accOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + PANEL_ROWS);
    FloatVector b1 = FloatVector.fromArray(F, acc, accOffset + PANEL_ROWS + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, acc, accOffset + 2 * PANEL_ROWS);
    FloatVector b2 = FloatVector.fromArray(F, acc, accOffset + 2 * PANEL_ROWS + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, acc, accOffset + 3 * PANEL_ROWS);
    FloatVector b3 = FloatVector.fromArray(F, acc, accOffset + 3 * PANEL_ROWS + LENGTH);
    int end = wOffset + numK * STRIP;
    for (int wAt = wOffset, at = xOffset; wAt < end; wAt += STRIP, at += NARROW) {
      FloatVector wa = FloatVector.fromArray(F, w, wAt);
      FloatVector wb = FloatVector.fromArray(F, w, wAt + LENGTH);
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
    a0.intoArray(acc, accOffset);
    b0.intoArray(acc, accOffset + LENGTH);
    a1.intoArray(acc, accOffset + PANEL_ROWS);
    b1.intoArray(acc, accOffset + PANEL_ROWS + LENGTH);
    a2.intoArray(acc, accOffset + 2 * PANEL_ROWS);
    b2.intoArray(acc, accOffset + 2 * PANEL_ROWS + LENGTH);
    a3.intoArray(acc, accOffset + 3 * PANEL_ROWS);
    b3.intoArray(acc, accOffset + 3 * PANEL_ROWS + LENGTH);
  }

  private static void multiply12(
      float[] w, int wOffset, int numK, float[] x, int xOffset, float[] acc, int accOffset) {
    FloatVector a0 = FloatVector.fromArray(F, acc, accOffset);
    FloatVector b0 = FloatVector.fromArray(F, acc, accOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + PANEL_ROWS);
    FloatVector b1 = FloatVector.fromArray(F, acc, accOffset + PANEL_ROWS + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, acc, accOffset + 2 * PANEL_ROWS);
    FloatVector b2 = FloatVector.fromArray(F, acc, accOffset + 2 * PANEL_ROWS + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, acc, accOffset + 3 * PANEL_ROWS);
    FloatVector b3 = FloatVector.fromArray(F, acc, accOffset + 3 * PANEL_ROWS + LENGTH);
    FloatVector a4 = FloatVector.fromArray(F, acc, accOffset + 4 * PANEL_ROWS);
    FloatVector b4 = FloatVector.fromArray(F, acc, accOffset + 4 * PANEL_ROWS + LENGTH);
    FloatVector a5 = FloatVector.fromArray(F, acc, accOffset + 5 * PANEL_ROWS);
    FloatVector b5 = FloatVector.fromArray(F, acc, accOffset + 5 * PANEL_ROWS + LENGTH);
    FloatVector a6 = FloatVector.fromArray(F, acc, accOffset + 6 * PANEL_ROWS);
    FloatVector b6 = FloatVector.fromArray(F, acc, accOffset + 6 * PANEL_ROWS + LENGTH);
    FloatVector a7 = FloatVector.fromArray(F, acc, accOffset + 7 * PANEL_ROWS);
    FloatVector b7 = FloatVector.fromArray(F, acc, accOffset + 7 * PANEL_ROWS + LENGTH);
    FloatVector a8 = FloatVector.fromArray(F, acc, accOffset + 8 * PANEL_ROWS);
    FloatVector b8 = FloatVector.fromArray(F, acc, accOffset + 8 * PANEL_ROWS + LENGTH);
    FloatVector a9 = FloatVector.fromArray(F, acc, accOffset + 9 * PANEL_ROWS);
    FloatVector b9 = FloatVector.fromArray(F, acc, accOffset + 9 * PANEL_ROWS + LENGTH);
    FloatVector a10 = FloatVector.fromArray(F, acc, accOffset + 10 * PANEL_ROWS);
    FloatVector b10 = FloatVector.fromArray(F, acc, accOffset + 10 * PANEL_ROWS + LENGTH);
    FloatVector a11 = FloatVector.fromArray(F, acc, accOffset + 11 * PANEL_ROWS);
    FloatVector b11 = FloatVector.fromArray(F, acc, accOffset + 11 * PANEL_ROWS + LENGTH);
    int end = wOffset + numK * STRIP;
    for (int wAt = wOffset, at = xOffset; wAt < end; wAt += STRIP, at += 12) {
      FloatVector wa = FloatVector.fromArray(F, w, wAt);
      FloatVector wb = FloatVector.fromArray(F, w, wAt + LENGTH);
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
    a0.intoArray(acc, accOffset);
    b0.intoArray(acc, accOffset + LENGTH);
    a1.intoArray(acc, accOffset + PANEL_ROWS);
    b1.intoArray(acc, accOffset + PANEL_ROWS + LENGTH);
    a2.intoArray(acc, accOffset + 2 * PANEL_ROWS);
    b2.intoArray(acc, accOffset + 2 * PANEL_ROWS + LENGTH);
    a3.intoArray(acc, accOffset + 3 * PANEL_ROWS);
    b3.intoArray(acc, accOffset + 3 * PANEL_ROWS + LENGTH);
    a4.intoArray(acc, accOffset + 4 * PANEL_ROWS);
    b4.intoArray(acc, accOffset + 4 * PANEL_ROWS + LENGTH);
    a5.intoArray(acc, accOffset + 5 * PANEL_ROWS);
    b5.intoArray(acc, accOffset + 5 * PANEL_ROWS + LENGTH);
    a6.intoArray(acc, accOffset + 6 * PANEL_ROWS);
    b6.intoArray(acc, accOffset + 6 * PANEL_ROWS + LENGTH);
    a7.intoArray(acc, accOffset + 7 * PANEL_ROWS);
    b7.intoArray(acc, accOffset + 7 * PANEL_ROWS + LENGTH);
    a8.intoArray(acc, accOffset + 8 * PANEL_ROWS);
    b8.intoArray(acc, accOffset + 8 * PANEL_ROWS + LENGTH);
    a9.intoArray(acc, accOffset + 9 * PANEL_ROWS);
    b9.intoArray(acc, accOffset + 9 * PANEL_ROWS + LENGTH);
    a10.intoArray(acc, accOffset + 10 * PANEL_ROWS);
    b10.intoArray(acc, accOffset + 10 * PANEL_ROWS + LENGTH);
    a11.intoArray(acc, accOffset + 11 * PANEL_ROWS);
    b11.intoArray(acc, accOffset + 11 * PANEL_ROWS + LENGTH);
  }
}
