package dev.slabstream.model;

import dev.slabstream.kernel.PackedMatrix;
import java.util.List;
import java.util.stream.Stream;

/// A whole model: what [Gpt2], [Llama] and [Qwen3] compose from the same blocks.
///
/// @param outputNorm in front of the head
/// @param head `[vocabSize, embeddingDim]`; the embedding itself where the two are tied
record Weights(TokenEmbedding embedding, List<Layer> layers, Norm outputNorm, PackedMatrix head) {
  Weights {
    layers = List.copyOf(layers);
  }

  /// `x += attention(norm(x)); x += feedForward(norm(x))`: all three models normalise in front of a
  /// block.
  record Layer(
      Norm attentionNorm, SelfAttention attention, Norm feedForwardNorm, FeedForward feedForward) {

    Stream<PackedMatrix> matrices() {
      return Stream.concat(Stream.of(attention.qkv().weight()), tailMatrices());
    }

    /// Those behind keys and values.
    Stream<PackedMatrix> tailMatrices() {
      return Stream.concat(
          Stream.of(attention.output().weight()), feedForward.linears().map(Linear::weight));
    }
  }
}
