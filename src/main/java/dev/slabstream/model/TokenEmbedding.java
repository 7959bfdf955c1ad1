package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.PackedMatrix;
import org.jspecify.annotations.Nullable;

/// Turns ids into the first state of the residual stream.
///
/// @param tokens `[vocabSize, embeddingDim]`
/// @param positions learned positions, `[contextLength, embeddingDim]` (GPT-2), or null where they
///     are rotations
record TokenEmbedding(PackedMatrix tokens, @Nullable PackedMatrix positions) {
  /// out `[numTokens, embeddingDim]`; so is `scratch`.
  void apply(Kernels kernels, Batch batch, float[] out, float[] scratch) {
    int numTokens = batch.numTokens();
    kernels.gatherRows(tokens, batch.ids(), numTokens, out);
    if (positions != null) {
      kernels.gatherRows(positions, batch.positions(), numTokens, scratch);
      kernels.add(out, scratch, numTokens * tokens.cols());
    }
  }
}
