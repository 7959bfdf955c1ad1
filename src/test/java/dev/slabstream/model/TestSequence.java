package dev.slabstream.model;

import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One sequence over a model, driven by hand: what the engine does, without one.
public final class TestSequence implements AutoCloseable {
  private final LanguageModel model;
  private final KvLease lease;

  /// @param maxTokens positions to reserve; the model's window is used
  /// @param maxChunk the most tokens computed at once
  public TestSequence(LanguageModel model, KvSlab slab, int maxTokens, int maxChunk) {
    this(model, slab.lease(maxTokens, model.config().cacheWindow(), maxChunk).orElseThrow());
  }

  TestSequence(LanguageModel model, KvLease lease) {
    this.model = model;
    this.lease = lease;
  }

  /// Logits of one position.
  public record Row(float[] logits, LogitsSummary summary) {
    /// Natural logarithm of the probability of `id`.
    public double logprob(int id) {
      return (double) logits[id] - summary.logSumExp();
    }
  }

  KvLease lease() {
    return lease;
  }

  /// Computes `ids` at the next positions in chunks and returns the logits of the last one.
  public Row feed(int chunk, int... ids) {
    List<Row> rows = feed(chunk, LogitsFor.LAST, ids);
    return rows.getLast();
  }

  /// As above, with the rows that `logits` wants of each chunk.
  List<Row> feed(int chunk, LogitsFor logits, int... ids) {
    List<Row> rows = new ArrayList<>();
    for (int from = 0; from < ids.length; from += chunk) {
      int count = Math.min(chunk, ids.length - from);
      lease.extend(count);
      model.forward(
          List.of(new Slice(lease, ids, from, count, logits)),
          (slice, token, row, offset, summary) -> rows.add(copy(row, offset, summary)));
      lease.advance(count);
    }
    return rows;
  }

  private Row copy(float[] logits, int offset, LogitsSummary summary) {
    return new Row(
        Arrays.copyOfRange(logits, offset, offset + model.config().vocabSize()), summary);
  }

  /// Feeds `prompt` and then `count - 1` greedy tokens; returns all `count` of them.
  public int[] greedy(int[] prompt, int count) {
    int[] out = new int[count];
    Row row = feed(prompt.length, prompt);
    for (int i = 0; i < count; i++) {
      out[i] = row.summary().argmax();
      if (i < count - 1) {
        row = feed(1, out[i]);
      }
    }
    return out;
  }

  @Override
  public void close() {
    lease.close();
  }
}
