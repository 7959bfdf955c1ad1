package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import jdk.incubator.vector.FloatVector;

/// [Tile] for weights in groups: what a group sums to is scaled while it is still in registers.
final class GroupTile {
  private GroupTile() {}

  /// `acc[j][r] = fma(scale[g][r], s, acc[j][r])` for group after group, where `s` is the sum over the group's `k` of `x[k][j] *
  /// w[k][r]`, for 4 tokens `j` and the rows `r` of a strip.
  ///
  /// @param w terms `[numGroups][groupElements][STRIP]` from `wOffset` on
  /// @param x inputs `[numGroups][groupElements][4]` from `xOffset` on
  /// @param scales `[numGroups][STRIP]` from `scalesOffset` on
  /// @param acc of token `j` from `accOffset + 32 j` on
  static void multiply(
      float[] w,
      int wOffset,
      int numGroups,
      int groupElements,
      float[] x,
      int xOffset,
      float[] scales,
      int scalesOffset,
      float[] acc,
      int accOffset) {
    FloatVector zero = FloatVector.zero(F);
    int wAt = wOffset;
    int xAt = xOffset;
    for (int g = 0; g < numGroups; g++) {
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector a1 = zero;
      FloatVector b1 = zero;
      FloatVector a2 = zero;
      FloatVector b2 = zero;
      FloatVector a3 = zero;
      FloatVector b3 = zero;
      int end = wAt + groupElements * STRIP;
      for (; wAt < end; wAt += STRIP, xAt += Tile.WIDTH) {
        FloatVector wa = FloatVector.fromArray(F, w, wAt);
        FloatVector wb = FloatVector.fromArray(F, w, wAt + LENGTH);
        FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
        a0 = wa.fma(x0, a0);
        b0 = wb.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
        a1 = wa.fma(x1, a1);
        b1 = wb.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
        a2 = wa.fma(x2, a2);
        b2 = wb.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
        a3 = wa.fma(x3, a3);
        b3 = wb.fma(x3, b3);
      }
      FloatVector da = FloatVector.fromArray(F, scales, scalesOffset + g * STRIP);
      FloatVector db = FloatVector.fromArray(F, scales, scalesOffset + g * STRIP + LENGTH);
      add(a0, da, acc, accOffset);
      add(b0, db, acc, accOffset + LENGTH);
      add(a1, da, acc, accOffset + PANEL_ROWS);
      add(b1, db, acc, accOffset + PANEL_ROWS + LENGTH);
      add(a2, da, acc, accOffset + 2 * PANEL_ROWS);
      add(b2, db, acc, accOffset + 2 * PANEL_ROWS + LENGTH);
      add(a3, da, acc, accOffset + 3 * PANEL_ROWS);
      add(b3, db, acc, accOffset + 3 * PANEL_ROWS + LENGTH);
    }
  }

  private static void add(FloatVector sum, FloatVector scale, float[] acc, int offset) {
    sum.fma(scale, FloatVector.fromArray(F, acc, offset)).intoArray(acc, offset);
  }
}
