package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import jdk.incubator.vector.FloatVector;

/// Adds the groups' sums, scaled, to the accumulators of one token.
///
/// Sums of group `g` begin at `sumsOffset + g * sumsStride`, scales and minima at `g * 32`; inputSums has one number a group.
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
    for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
      FloatVector a0 = FloatVector.fromArray(F, acc, accOffset + row);
      FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + row + LENGTH);
      int s = sumsOffset + row;
      for (int d = row; d < numGroups * PANEL_ROWS; d += PANEL_ROWS, s += sumsStride) {
        a0 = FloatVector.fromArray(F, sums, s).fma(FloatVector.fromArray(F, scales, d), a0);
        a1 =
            FloatVector.fromArray(F, sums, s + LENGTH)
                .fma(FloatVector.fromArray(F, scales, d + LENGTH), a1);
      }
      a0.intoArray(acc, accOffset + row);
      a1.intoArray(acc, accOffset + row + LENGTH);
    }
  }

  /// `acc = fma(d, fma(bias, xsum, s), acc)`.
  static void addBiased(
      float[] sums,
      int sumsOffset,
      int sumsStride,
      float[] scales,
      float bias,
      float[] inputSums,
      int inputSumsOffset,
      int numGroups,
      float[] acc,
      int accOffset) {
    FloatVector biases = FloatVector.broadcast(F, bias);
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      FloatVector a = FloatVector.fromArray(F, acc, accOffset + row);
      for (int g = 0; g < numGroups; g++) {
        FloatVector inputSum = FloatVector.broadcast(F, inputSums[inputSumsOffset + g]);
        FloatVector sum =
            biases.fma(inputSum, FloatVector.fromArray(F, sums, sumsOffset + g * sumsStride + row));
        a = sum.fma(FloatVector.fromArray(F, scales, g * PANEL_ROWS + row), a);
      }
      a.intoArray(acc, accOffset + row);
    }
  }

  /// `acc = fma(d, s, acc)`, then `acc = fma(m, xsum, acc)`.
  static void addWithMinima(
      float[] sums,
      int sumsOffset,
      int sumsStride,
      float[] scales,
      float[] minima,
      float[] inputSums,
      int inputSumsOffset,
      int numGroups,
      float[] acc,
      int accOffset) {
    for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
      FloatVector a0 = FloatVector.fromArray(F, acc, accOffset + row);
      FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + row + LENGTH);
      int s = sumsOffset + row;
      for (int g = 0; g < numGroups; g++, s += sumsStride) {
        int d = g * PANEL_ROWS + row;
        FloatVector inputSum = FloatVector.broadcast(F, inputSums[inputSumsOffset + g]);
        a0 = FloatVector.fromArray(F, sums, s).fma(FloatVector.fromArray(F, scales, d), a0);
        a1 =
            FloatVector.fromArray(F, sums, s + LENGTH)
                .fma(FloatVector.fromArray(F, scales, d + LENGTH), a1);
        a0 = FloatVector.fromArray(F, minima, d).fma(inputSum, a0);
        a1 = FloatVector.fromArray(F, minima, d + LENGTH).fma(inputSum, a1);
      }
      a0.intoArray(acc, accOffset + row);
      a1.intoArray(acc, accOffset + row + LENGTH);
    }
  }
}
