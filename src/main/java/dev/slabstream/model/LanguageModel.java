package dev.slabstream.model;

import java.util.List;

/// A decoder-only transformer that reads and writes keys and values through leases of the slab.
public interface LanguageModel extends AutoCloseable {
  ModelConfig config();

  /// Computes one step for a batch: every slice's tokens, keys and values written to the slab, logits handed to `sink` where wanted.
  /// Leaves the leases' position counters to the caller. One thread at a time.
  void forward(List<Slice> batch, LogitsSink sink);

  @Override
  void close();
}
