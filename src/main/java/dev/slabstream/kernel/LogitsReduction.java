package dev.slabstream.kernel;

import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.kernel.WorkerPool.Task;
import java.util.ArrayList;
import java.util.List;

/// Cuts [Kernels#summarize] into chunks for the threads, which depend on the number of logits alone, and puts their results together
/// in order. Its task is made once and reads its operands from the fields, like those of [RowOperations].
final class LogitsReduction {
  private static final int CHUNK_LOGITS = 4096;

  private final PanelMath math;
  private final WorkerPool pool;
  private final List<LogitsChunk> chunks = new ArrayList<>();
  private final Task summarize = this::summarize;

  // Of the operation at hand.
  private float[] logits = {};
  private int offset;
  private int length;

  LogitsReduction(PanelMath math, WorkerPool pool) {
    this.math = math;
    this.pool = pool;
  }

  LogitsSummary run(float[] logits, int offset, int length) {
    this.logits = logits;
    this.offset = offset;
    this.length = length;
    int numChunks = Math.ceilDiv(length, CHUNK_LOGITS);
    while (chunks.size() < numChunks) {
      chunks.add(new LogitsChunk());
    }
    pool.run(numChunks, 1, summarize);
    return merge(numChunks);
  }

  private void summarize(int from, int to, int worker) {
    for (int i = from; i < to; i++) {
      int first = i * CHUNK_LOGITS;
      int count = Math.min(CHUNK_LOGITS, length - first);
      math.summarize(logits, offset + first, count, chunks.get(i), worker);
    }
  }

  private LogitsSummary merge(int numChunks) {
    float max = Float.NEGATIVE_INFINITY;
    int argmax = 0;
    boolean finite = true;
    for (int i = 0; i < numChunks; i++) {
      LogitsChunk chunk = chunks.get(i);
      finite &= chunk.finite();
      if (chunk.max() > max) {
        max = chunk.max();
        argmax = i * CHUNK_LOGITS + chunk.argmax();
      }
    }
    double sum = 0;
    for (int i = 0; i < numChunks; i++) {
      LogitsChunk chunk = chunks.get(i);
      sum += (double) chunk.sumExp() * Exponential.exp(chunk.max() - max);
    }
    return new LogitsSummary(max, argmax, (float) (max + StrictMath.log(sum)), finite);
  }
}
