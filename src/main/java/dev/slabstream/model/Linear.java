package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.PackedMatrix;
import org.jspecify.annotations.Nullable;

/// `y = W x + b`.
///
/// @param weight `[out, in]`
/// @param bias `[out]`, or null where the model has none
record Linear(PackedMatrix weight, float @Nullable [] bias) {
  /// x `[numTokens, in]`, y `[numTokens, out]`.
  void apply(Kernels kernels, float[] x, float[] y, int numTokens) {
    kernels.matmul(weight, x, y, numTokens);
    if (bias != null) {
      kernels.addBias(y, bias, numTokens, weight.rows());
    }
  }
}
