package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Panels of plain floats of 32 or 16 bits.
final class PlainCodes {
  private static final int HALF_ROW_BYTES = PANEL_ROWS * Short.BYTES;
  private static final int ROW_BYTES = PANEL_ROWS * Float.BYTES;

  private PlainCodes() {}

  /// One token: adds the products of `numElements` inputs to acc `[32 rows]`.
  static void multiplyF32(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      long at = offset + row * Float.BYTES;
      for (int k = 0; k < numElements; k++, at += ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.floats(memory, at).fma(input, a0);
        a1 = Lanes.floats(memory, at + LENGTH * Float.BYTES).fma(input, a1);
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
    }
  }

  /// As [#multiplyF32].
  static void multiplyF16(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      long at = offset + row * Short.BYTES;
      for (int k = 0; k < numElements; k++, at += HALF_ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.halfFloats(memory, at).fma(input, a0);
        a1 = Lanes.halfFloats(memory, at + LENGTH * Short.BYTES).fma(input, a1);
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
    }
  }

  /// As [#multiplyF32].
  static void multiplyBf16(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      long at = offset + row * Short.BYTES;
      for (int k = 0; k < numElements; k++, at += HALF_ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.brainFloats(memory, at).fma(input, a0);
        a1 = Lanes.brainFloats(memory, at + LENGTH * Short.BYTES).fma(input, a1);
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
    }
  }

  /// Weights of `numElements` inputs, as [Lanes#strip] orders them.
  static void unpackF32(MemorySegment memory, long offset, int numElements, float[] out) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      int at = Lanes.strip(row, numElements);
      for (int k = 0; k < numElements; k++, at += STRIP) {
        long weights = offset + (long) k * ROW_BYTES + row * Float.BYTES;
        Lanes.floats(memory, weights).intoArray(out, at);
      }
    }
  }

  /// As [#unpackF32].
  static void unpackF16(MemorySegment memory, long offset, int numElements, float[] out) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      int at = Lanes.strip(row, numElements);
      for (int k = 0; k < numElements; k++, at += STRIP) {
        long weights = offset + (long) k * HALF_ROW_BYTES + row * Short.BYTES;
        Lanes.halfFloats(memory, weights).intoArray(out, at);
      }
    }
  }

  /// As [#unpackF32].
  static void unpackBf16(MemorySegment memory, long offset, int numElements, float[] out) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      int at = Lanes.strip(row, numElements);
      for (int k = 0; k < numElements; k++, at += STRIP) {
        long weights = offset + (long) k * HALF_ROW_BYTES + row * Short.BYTES;
        Lanes.brainFloats(memory, weights).intoArray(out, at);
      }
    }
  }

  /// Scales of `numGroups` groups, `stride` bytes apart, times a power of two, as [Lanes#strip] orders them.
  static void scalesF16(
      MemorySegment memory, long offset, long stride, int numGroups, float power, float[] out) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      long at = offset + row * Short.BYTES;
      int strip = Lanes.strip(row, numGroups);
      for (int to = strip; to < strip + numGroups * STRIP; to += STRIP, at += stride) {
        Lanes.halfFloats(memory, at, power).intoArray(out, to);
      }
    }
  }

  /// As [#scalesF16].
  static void scalesF32(
      MemorySegment memory, long offset, long stride, int numGroups, float power, float[] out) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      long at = offset + row * Float.BYTES;
      int strip = Lanes.strip(row, numGroups);
      for (int to = strip; to < strip + numGroups * STRIP; to += STRIP, at += stride) {
        Lanes.floats(memory, at).mul(power).intoArray(out, to);
      }
    }
  }
}
