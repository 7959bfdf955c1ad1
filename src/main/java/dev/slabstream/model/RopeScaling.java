package dev.slabstream.model;

import java.util.Arrays;

/// Factors that divide the inverse frequencies of the rotary embedding, `[headDim / 2]`; empty
/// where nothing is scaled.
final class RopeScaling {
  /// What RoFormer (arXiv:2104.09864) chose, and what files mean that do not state it.
  static final double DEFAULT_THETA = 10000;

  private RopeScaling() {}

  /// Position interpolation (arXiv:2306.15595): every frequency by the same factor.
  static float[] linear(int headDim, float factor) {
    if (factor == 1) {
      return new float[0];
    }
    float[] factors = new float[headDim / 2];
    Arrays.fill(factors, factor);
    return factors;
  }

  /// Llama 3.1 (arXiv:2407.21783, and `_compute_llama3_parameters` of transformers): long
  /// wavelengths are divided by `factor`, short ones stay, those between are blended.
  static float[] llama3(
      int headDim,
      double theta,
      double factor,
      double lowFactor,
      double highFactor,
      long originalContext) {
    float[] factors = new float[headDim / 2];
    for (int i = 0; i < factors.length; i++) {
      double wavelength = 2 * StrictMath.PI * StrictMath.pow(theta, 2.0 * i / headDim);
      double turns = originalContext / wavelength;
      double kept = Math.clamp((turns - lowFactor) / (highFactor - lowFactor), 0.0, 1.0);
      factors[i] = (float) (1 / ((1 - kept) / factor + kept));
    }
    return factors;
  }
}
