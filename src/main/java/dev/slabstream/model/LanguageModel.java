package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.weights.Checkpoint;
import java.util.List;

/// A decoder-only transformer that reads and writes keys and values through leases of the slab.
public interface LanguageModel extends AutoCloseable {
  /// Reads the configuration, checks every tensor against it and packs the weights into `kernels`,
  /// with progress in the log. The checkpoint may be closed afterwards.
  ///
  /// The kernels stay the caller's: they hold the packed weights and must outlive the model;
  /// closing them frees the weights.
  ///
  /// @throws dev.slabstream.weights.MalformedModelException when the model is malformed or not
  ///     supported
  /// @throws dev.slabstream.kernel.NonFiniteWeightException when a weight is NaN or infinite
  static LanguageModel load(Checkpoint checkpoint, Kernels kernels) {
    return ModelLoader.load(checkpoint, kernels);
  }

  ModelConfig config();

  /// What a forward pass takes: see [ForwardCost].
  ForwardCost cost();

  /// Computes one step for a batch: every slice's tokens, keys and values written to the slab,
  /// logits handed to `sink` where wanted. Leaves the leases' position counters to the caller. One
  /// thread at a time.
  ///
  /// Logits may be NaN or infinite; their summary says so, and nothing is thrown.
  ///
  /// @throws IllegalArgumentException when a slice is empty, has an id outside the vocabulary or
  ///     goes beyond the context, or when the leases are not all of one slab made for this model
  void forward(List<Slice> batch, LogitsSink sink);

  /// Forgets the weights and the scratch memory; closing twice is harmless.
  @Override
  void close();
}
