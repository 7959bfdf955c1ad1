package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import jdk.incubator.vector.FloatVector;

/// Adds what the groups give, scaled, to the accumulators of one token.
///
/// Sums of group `g` begin at `sumsOffset + g * sumsStride`, inputSums has one number a group; scales and minima are in strips, as
/// [Lanes#strip] orders them.
final class GroupScales {
  private GroupScales() {}

  /// `acc = fma(d, s, acc)`, in the order of the groups.
  static void add(
      float[] sums,
      int sumsOffset,
      int sumsStride,
      float[] scales,
      int numGroups,
      float[] acc,
      int accOffset) {
    for (int row = 0; row < PANEL_ROWS; row += STRIP) {
      FloatVector a0 = FloatVector.fromArray(F, acc, accOffset + row);
      FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + row + LENGTH);
      int s = sumsOffset + row;
      int strip = Lanes.strip(row, numGroups);
      for (int d = strip; d < strip + numGroups * STRIP; d += STRIP, s += sumsStride) {
        a0 = FloatVector.fromArray(F, sums, s).fma(FloatVector.fromArray(F, scales, d), a0);
        a1 =
            FloatVector.fromArray(F, sums, s + LENGTH)
                .fma(FloatVector.fromArray(F, scales, d + LENGTH), a1);
      }
      a0.intoArray(acc, accOffset + row);
      a1.intoArray(acc, accOffset + row + LENGTH);
    }
  }

  /// `acc = fma(m, xsum, acc)`, in the order of the groups.
  static void addMinima(
      float[] minima,
      int minimaOffset,
      float[] inputSums,
      int inputSumsOffset,
      int numGroups,
      float[] acc,
      int accOffset) {
    for (int row = 0; row < PANEL_ROWS; row += STRIP) {
      FloatVector a0 = FloatVector.fromArray(F, acc, accOffset + row);
      FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + row + LENGTH);
      int m = minimaOffset + Lanes.strip(row, numGroups);
      for (int g = 0; g < numGroups; g++, m += STRIP) {
        FloatVector inputSum = FloatVector.broadcast(F, inputSums[inputSumsOffset + g]);
        a0 = FloatVector.fromArray(F, minima, m).fma(inputSum, a0);
        a1 = FloatVector.fromArray(F, minima, m + LENGTH).fma(inputSum, a1);
      }
      a0.intoArray(acc, accOffset + row);
      a1.intoArray(acc, accOffset + row + LENGTH);
    }
  }
}
