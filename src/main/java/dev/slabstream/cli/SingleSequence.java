package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.model.LogitsFor;
import dev.slabstream.model.LogitsSink;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.model.Slice;
import java.util.List;

/// One sequence without an engine: what looks at the model rather than at the service. Used by one
/// thread.
final class SingleSequence implements AutoCloseable {
  private final LanguageModel model;
  private final int chunk;
  private final KvLease lease;

  /// @param maxTokens positions that it may come to have; the slab must have been made for them
  /// @param chunk tokens computed in one step at most
  SingleSequence(LoadedModel loaded, int maxTokens, int chunk) {
    ModelConfig config = loaded.config();
    requireFits(config, maxTokens);
    this.model = loaded.model();
    this.chunk = chunk;
    this.lease = loaded.slab().lease(maxTokens, config.cacheWindow(), chunk).orElseThrow();
  }

  /// @throws CliException when the model's context is shorter
  static void requireFits(ModelConfig config, int maxTokens) {
    if (maxTokens > config.contextLength()) {
      throw new CliException(
          CliException.USAGE,
          maxTokens + " tokens are more than the model's context of " + config.contextLength());
    }
  }

  /// Computes the next tokens; hands the logits of the last one to `sink`.
  void feed(int[] ids, LogitsSink sink) {
    for (int from = 0; from < ids.length; ) {
      int count = Math.min(chunk, ids.length - from);
      LogitsFor logits = from + count == ids.length ? LogitsFor.LAST : LogitsFor.NONE;
      lease.extend(count);
      model.forward(List.of(new Slice(lease, ids, from, count, logits)), sink);
      lease.advance(count);
      from += count;
    }
  }

  @Override
  public void close() {
    lease.close();
  }
}
