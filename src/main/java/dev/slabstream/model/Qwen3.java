package dev.slabstream.model;

import dev.slabstream.kernel.RopePairing;

/// Qwen3 (arXiv:2505.09388): Llama's blocks, with the heads of queries and keys normalised before
/// they turn.
final class Qwen3 {
  private Qwen3() {}

  static Weights read(ModelLoader.Source source, ModelConfig config) {
    return Llama.read(
        source,
        config,
        RopePairing.HALVES,
        layer ->
            new SelfAttention.HeadNorms(
                layer.vector("attn_q_norm", config.headDim()),
                layer.vector("attn_k_norm", config.headDim()),
                config.normEps()));
  }
}
