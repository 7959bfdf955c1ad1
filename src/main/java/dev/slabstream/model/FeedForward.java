package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import java.util.stream.Stream;

/// The block that works on each token for itself.
sealed interface FeedForward {
  /// x and out `[numTokens, embeddingDim]`; `out` may be `x`.
  void apply(Kernels kernels, float[] x, float[] out, Activations scratch, int numTokens);

  Stream<Linear> linears();

  /// `down(silu(gate x) * up x)` (arXiv:2002.05202): Llama and Qwen3.
  ///
  /// @param gateUp `[2 * feedForwardDim, embeddingDim]`: gate above up
  /// @param down `[embeddingDim, feedForwardDim]`
  record SwiGlu(Linear gateUp, Linear down) implements FeedForward {
    @Override
    public void apply(Kernels kernels, float[] x, float[] out, Activations scratch, int numTokens) {
      gateUp.apply(kernels, x, scratch.gateUp, numTokens);
      kernels.swiGlu(scratch.gateUp, scratch.hidden, numTokens, down.weight().cols());
      down.apply(kernels, scratch.hidden, out, numTokens);
    }

    @Override
    public Stream<Linear> linears() {
      return Stream.of(gateUp, down);
    }
  }

  /// `down(gelu(up x))`: GPT-2.
  ///
  /// @param up `[feedForwardDim, embeddingDim]`
  /// @param down `[embeddingDim, feedForwardDim]`
  record GeluMlp(Linear up, Linear down) implements FeedForward {
    @Override
    public void apply(Kernels kernels, float[] x, float[] out, Activations scratch, int numTokens) {
      up.apply(kernels, x, scratch.hidden, numTokens);
      kernels.gelu(scratch.hidden, numTokens * up.weight().rows());
      down.apply(kernels, scratch.hidden, out, numTokens);
    }

    @Override
    public Stream<Linear> linears() {
      return Stream.of(up, down);
    }
  }
}
