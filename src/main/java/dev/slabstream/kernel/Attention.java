package dev.slabstream.kernel;

import java.util.Arrays;
import java.util.List;

/// Cuts attention into pieces for the threads and puts the partitions of each query together, in ascending order (the running
/// maximum of Milakov and Gimelshein, arXiv:1805.02867), so that the result does not depend on who computed what.
///
/// A *unit* is a block of up to 32 tokens of one run with one head of keys and values. If there are units enough, each is one item
/// of work, which goes through its partitions. With few (decode), each partition of a unit is an item, its result waits in a slot,
/// and a second pass merges.
final class Attention {
  private static final int UNIT_TOKENS = 32;
  private static final int UNITS_PER_THREAD = 4;

  /// Room for the slots of all partitions together: 64 MiB. Where more would be needed (many threads, many long sequences), there
  /// are units enough to give each thread whole ones.
  static final long MAX_SLOT_FLOATS = 16L << 20;

  private final PanelMath math;
  private final WorkerPool pool;
  private final long maxSlotFloats;
  private final float[][] scratch;
  private float[] slots = {};

  private int numBlocks;
  private int[] blockRun = new int[16];
  private int[] blockFirstToken = new int[16];

  /// First item of each unit's partitions, and their total.
  private int[] firstItem = new int[17];

  Attention(PanelMath math, WorkerPool pool, long maxSlotFloats) {
    this.math = math;
    this.pool = pool;
    this.maxSlotFloats = maxSlotFloats;
    this.scratch = new float[pool.threads()][0];
  }

  void run(AttentionCall call, List<KvRun> runs, float[] out) {
    listBlocks(runs);
    int numUnits = numBlocks * call.layout().numKvHeads();
    int numItems = countPartitions(call, runs, numUnits);
    int slotFloats = largestBlock(runs) * call.groupHeads() * call.partialFloats();
    if (numUnits >= UNITS_PER_THREAD * pool.threads()
        || numItems == numUnits
        || (long) numItems * slotFloats > maxSlotFloats) {
      pool.run(
          numUnits,
          1,
          (from, to, worker) -> {
            for (int unit = from; unit < to; unit++) {
              wholeUnit(call, runs, unit, out, worker);
            }
          });
      return;
    }
    slots = grown(slots, (long) numItems * slotFloats);
    pool.run(
        numItems,
        1,
        (from, to, worker) -> {
          for (int item = from; item < to; item++) {
            int unit = unitOf(item);
            int partition = firstPartition(call, runs, unit) + item - firstItem[unit];
            attend(call, runs, unit, partition, slots, item * slotFloats, worker);
          }
        });
    pool.run(
        numUnits,
        1,
        (from, to, worker) -> {
          for (int unit = from; unit < to; unit++) {
            int first = firstItem[unit] * slotFloats;
            for (int item = firstItem[unit] + 1; item < firstItem[unit + 1]; item++) {
              merge(call, runs, unit, slots, first, item * slotFloats);
            }
            finish(call, runs, unit, slots, first, out);
          }
        });
  }

  private void wholeUnit(AttentionCall call, List<KvRun> runs, int unit, float[] out, int worker) {
    int slotFloats = UNIT_TOKENS * call.groupHeads() * call.partialFloats();
    float[] partials = grown(scratch[worker], 2L * slotFloats);
    scratch[worker] = partials;
    int partition = firstPartition(call, runs, unit);
    attend(call, runs, unit, partition, partials, 0, worker);
    for (int last = lastPartition(runs, unit, call); partition < last; ) {
      attend(call, runs, unit, ++partition, partials, slotFloats, worker);
      merge(call, runs, unit, partials, 0, slotFloats);
    }
    finish(call, runs, unit, partials, 0, out);
  }

  private void listBlocks(List<KvRun> runs) {
    numBlocks = 0;
    for (int r = 0; r < runs.size(); r++) {
      for (int first = 0; first < runs.get(r).numTokens(); first += UNIT_TOKENS) {
        if (numBlocks == blockRun.length) {
          blockRun = Arrays.copyOf(blockRun, 2 * numBlocks);
          blockFirstToken = Arrays.copyOf(blockFirstToken, 2 * numBlocks);
        }
        blockRun[numBlocks] = r;
        blockFirstToken[numBlocks++] = first;
      }
    }
  }

  /// Tokens of the block that has most: 1 while all runs decode.
  private static int largestBlock(List<KvRun> runs) {
    int largest = 0;
    for (int r = 0; r < runs.size(); r++) {
      largest = Math.max(largest, runs.get(r).numTokens());
    }
    return Math.min(UNIT_TOKENS, largest);
  }

  private int countPartitions(AttentionCall call, List<KvRun> runs, int numUnits) {
    if (firstItem.length <= numUnits) {
      firstItem = new int[2 * numUnits + 1];
    }
    int numItems = 0;
    for (int unit = 0; unit < numUnits; unit++) {
      firstItem[unit] = numItems;
      numItems += lastPartition(runs, unit, call) - firstPartition(call, runs, unit) + 1;
    }
    firstItem[numUnits] = numItems;
    return numItems;
  }

  private int unitOf(int item) {
    int unit = 0;
    while (firstItem[unit + 1] <= item) {
      unit++;
    }
    return unit;
  }

  private KvRun run(List<KvRun> runs, int unit, int numKvHeads) {
    return runs.get(blockRun[unit / numKvHeads]);
  }

  private int firstToken(int unit, int numKvHeads) {
    return blockFirstToken[unit / numKvHeads];
  }

  private int numTokens(List<KvRun> runs, int unit, int numKvHeads) {
    return Math.min(
        UNIT_TOKENS, run(runs, unit, numKvHeads).numTokens() - firstToken(unit, numKvHeads));
  }

  private int firstPartition(AttentionCall call, List<KvRun> runs, int unit) {
    int numKvHeads = call.layout().numKvHeads();
    int position = run(runs, unit, numKvHeads).startPosition() + firstToken(unit, numKvHeads);
    return call.firstSeen(position) / AttentionCall.PARTITION;
  }

  private int lastPartition(List<KvRun> runs, int unit, AttentionCall call) {
    int numKvHeads = call.layout().numKvHeads();
    int lastToken = firstToken(unit, numKvHeads) + numTokens(runs, unit, numKvHeads) - 1;
    return (run(runs, unit, numKvHeads).startPosition() + lastToken) / AttentionCall.PARTITION;
  }

  private void attend(
      AttentionCall call,
      List<KvRun> runs,
      int unit,
      int partition,
      float[] partials,
      int offset,
      int worker) {
    int numKvHeads = call.layout().numKvHeads();
    math.attend(
        call,
        run(runs, unit, numKvHeads),
        unit % numKvHeads,
        partition,
        firstToken(unit, numKvHeads),
        numTokens(runs, unit, numKvHeads),
        partials,
        offset,
        worker);
  }

  /// Takes the next partition's results, at `next`, into those at `first`.
  private void merge(
      AttentionCall call, List<KvRun> runs, int unit, float[] partials, int first, int next) {
    int numQueries = numTokens(runs, unit, call.layout().numKvHeads()) * call.groupHeads();
    for (int query = 0; query < numQueries; query++) {
      int at = query * call.partialFloats();
      merge(partials, first + at, next + at, call.layout().headDim());
    }
  }

  private static void merge(float[] partials, int into, int next, int headDim) {
    if (partials[next + 1] == 0f) {
      return;
    }
    if (partials[into + 1] == 0f) {
      System.arraycopy(partials, next, partials, into, headDim + AttentionCall.PARTIAL_HEADER);
      return;
    }
    float max = Math.max(partials[into], partials[next]);
    float a = Exponential.exp(partials[into] - max);
    float b = Exponential.exp(partials[next] - max);
    partials[into] = max;
    for (int i = 1; i < headDim + AttentionCall.PARTIAL_HEADER; i++) {
      partials[into + i] = Math.fma(partials[into + i], a, partials[next + i] * b);
    }
  }

  private void finish(
      AttentionCall call, List<KvRun> runs, int unit, float[] partials, int offset, float[] out) {
    int numKvHeads = call.layout().numKvHeads();
    int headDim = call.layout().headDim();
    int groupHeads = call.groupHeads();
    int firstToken = run(runs, unit, numKvHeads).firstToken() + firstToken(unit, numKvHeads);
    for (int t = 0; t < numTokens(runs, unit, numKvHeads); t++) {
      for (int h = 0; h < groupHeads; h++) {
        int partial = offset + (t * groupHeads + h) * call.partialFloats();
        int head = unit % numKvHeads * groupHeads + h;
        int at = ((firstToken + t) * call.numHeads() + head) * headDim;
        float sum = partials[partial + 1];
        for (int d = 0; d < headDim; d++) {
          out[at + d] = partials[partial + AttentionCall.PARTIAL_HEADER + d] / sum;
        }
      }
    }
  }

  private static float[] grown(float[] array, long length) {
    return array.length >= length ? array : new float[Math.toIntExact(length)];
  }
}
