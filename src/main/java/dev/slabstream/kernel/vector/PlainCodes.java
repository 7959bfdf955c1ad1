package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.FOUR_VECTORS;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.kernel.vector.Lanes.ROWS;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Panels of plain floats of 32 or 16 bits.
final class PlainCodes {
  private static final int HALF_ROW_BYTES = PANEL_ROWS * Short.BYTES;
  private static final int ROW_BYTES = PANEL_ROWS * Float.BYTES;

  private static final int VECTOR_BYTES = LENGTH * Float.BYTES;
  private static final int VECTOR_HALF_BYTES = LENGTH * Short.BYTES;

  private PlainCodes() {}

  /// One token: the products of `numElements` inputs, to acc `[32 rows]`. Four vectors of rows at once: a panel is then read forwards,
  /// where two would leave out every other line of the cache and come back for it.
  static void multiplyF32(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += ROWS) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      long at = offset + row * Float.BYTES;
      for (int k = 0; k < numElements; k++, at += ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.floats(memory, at).fma(input, a0);
        a1 = Lanes.floats(memory, at + VECTOR_BYTES).fma(input, a1);
        if (FOUR_VECTORS) {
          a2 = Lanes.floats(memory, at + 2 * VECTOR_BYTES).fma(input, a2);
          a3 = Lanes.floats(memory, at + 3 * VECTOR_BYTES).fma(input, a3);
        }
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
      if (FOUR_VECTORS) {
        a2.intoArray(acc, row + 2 * LENGTH);
        a3.intoArray(acc, row + 3 * LENGTH);
      }
    }
  }

  /// As [#multiplyF32].
  static void multiplyF16(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += ROWS) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      long at = offset + row * Short.BYTES;
      for (int k = 0; k < numElements; k++, at += HALF_ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.halfFloats(memory, at).fma(input, a0);
        a1 = Lanes.halfFloats(memory, at + VECTOR_HALF_BYTES).fma(input, a1);
        if (FOUR_VECTORS) {
          a2 = Lanes.halfFloats(memory, at + 2 * VECTOR_HALF_BYTES).fma(input, a2);
          a3 = Lanes.halfFloats(memory, at + 3 * VECTOR_HALF_BYTES).fma(input, a3);
        }
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
      if (FOUR_VECTORS) {
        a2.intoArray(acc, row + 2 * LENGTH);
        a3.intoArray(acc, row + 3 * LENGTH);
      }
    }
  }

  /// As [#multiplyF32].
  static void multiplyBf16(
      MemorySegment memory, long offset, int numElements, float[] x, float[] acc) {
    for (int row = 0; row < PANEL_ROWS; row += ROWS) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      long at = offset + row * Short.BYTES;
      for (int k = 0; k < numElements; k++, at += HALF_ROW_BYTES) {
        FloatVector input = FloatVector.broadcast(F, x[k]);
        a0 = Lanes.brainFloats(memory, at).fma(input, a0);
        a1 = Lanes.brainFloats(memory, at + VECTOR_HALF_BYTES).fma(input, a1);
        if (FOUR_VECTORS) {
          a2 = Lanes.brainFloats(memory, at + 2 * VECTOR_HALF_BYTES).fma(input, a2);
          a3 = Lanes.brainFloats(memory, at + 3 * VECTOR_HALF_BYTES).fma(input, a3);
        }
      }
      a0.intoArray(acc, row);
      a1.intoArray(acc, row + LENGTH);
      if (FOUR_VECTORS) {
        a2.intoArray(acc, row + 2 * LENGTH);
        a3.intoArray(acc, row + 3 * LENGTH);
      }
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

  /// Scales of `numGroups` groups, `stride` bytes apart, times a power of two, to `out` from `outOffset` on as [Lanes#strip] orders them.
  static void scalesF16(
      MemorySegment memory,
      long offset,
      long stride,
      int numGroups,
      float power,
      float[] out,
      int outOffset) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      long at = offset + row * Short.BYTES;
      int strip = outOffset + Lanes.strip(row, numGroups);
      for (int to = strip; to < strip + numGroups * STRIP; to += STRIP, at += stride) {
        Lanes.halfFloats(memory, at, power).intoArray(out, to);
      }
    }
  }

  /// As [#scalesF16].
  static void scalesF32(
      MemorySegment memory,
      long offset,
      long stride,
      int numGroups,
      float power,
      float[] out,
      int outOffset) {
    for (int row = 0; row < PANEL_ROWS; row += LENGTH) {
      long at = offset + row * Float.BYTES;
      int strip = outOffset + Lanes.strip(row, numGroups);
      for (int to = strip; to < strip + numGroups * STRIP; to += STRIP, at += stride) {
        Lanes.floats(memory, at).mul(power).intoArray(out, to);
      }
    }
  }
}
