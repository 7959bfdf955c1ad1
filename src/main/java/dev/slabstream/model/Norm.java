package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;

/// Brings the residual stream to unit scale in front of a block.
sealed interface Norm {
  /// x and out `[numTokens, embeddingDim]`; `out` may be `x`.
  void apply(Kernels kernels, float[] x, float[] out, int numTokens);

  /// arXiv:1910.07467.
  ///
  /// @param weight `[embeddingDim]`
  record Rms(float[] weight, float eps) implements Norm {
    @Override
    public void apply(Kernels kernels, float[] x, float[] out, int numTokens) {
      kernels.rmsNorm(x, weight, eps, out, numTokens, weight.length);
    }
  }

  /// arXiv:1607.06450.
  ///
  /// @param weight `[embeddingDim]`
  /// @param bias `[embeddingDim]`
  record MeanAndVariance(float[] weight, float[] bias, float eps) implements Norm {
    @Override
    public void apply(Kernels kernels, float[] x, float[] out, int numTokens) {
      kernels.layerNorm(x, weight, bias, eps, out, numTokens, weight.length);
    }
  }
}
