package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import jdk.incubator.vector.FloatVector;

/// The register-blocked product at the bottom of prefill: four inputs times two vectors of columns, every element one chain of fused
/// multiply-adds in the order of `k`.
///
/// Eight chains are what it takes to keep two multiply-adds a cycle busy, at four cycles of latency, and with the operands all that
/// sixteen registers hold; C2 spills beyond. With the 32 registers of 512 bits twelve inputs are 6 % faster for plain weights, but sums
/// of groups find no room to be scaled in registers then, which costs more than that (`docs/performance.md`). Accumulators are
/// written out, since C2 keeps local variables in registers, and not the elements of an array. The loops count offsets up by
/// constants: offsets computed anew from `k` take registers for integers, of which C2 then has too few.
final class Tile {
  /// Inputs of a tile; the last one is padded.
  static final int WIDTH = 4;

  private Tile() {}

  /// `acc[j][c] += sum over k of x[k][j] * w[k][c]`, for the columns of a strip.
  ///
  /// @param w weights `[numK][STRIP]` from `wOffset` on
  /// @param x inputs `[numK][4]` from `xOffset` on
  /// @param acc row `j` at `accOffset + 32 j`
  static void multiply(
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
    for (int wAt = wOffset, at = xOffset; wAt < end; wAt += STRIP, at += WIDTH) {
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
}
