package dev.slabstream.model;

import dev.slabstream.kernel.Kernels.LogitsSummary;

/// Takes the rows of logits as they are computed, on the thread that called `forward`, in ascending
/// order of slice and position.
@FunctionalInterface
public interface LogitsSink {
  /// The row lies in `logits` at `offset`, `vocabSize` long, and is valid during the call only.
  ///
  /// @param slice index of the slice in the batch
  /// @param token index of the token within the slice, `0 .. count - 1`
  void accept(int slice, int token, float[] logits, int offset, LogitsSummary summary);

  /// A layer is computed for the whole batch: a sign of life, long before there are logits.
  default void layerDone() {}
}
