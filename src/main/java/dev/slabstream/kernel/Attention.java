package dev.slabstream.kernel;

import dev.slabstream.kernel.WorkerPool.Task;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/// Cuts attention into pieces for the threads and puts the partitions of each query together, in ascending order (the running
/// maximum of Milakov and Gimelshein, arXiv:1805.02867), so that the result does not depend on who computed what.
///
/// A *unit* is a block of up to 32 tokens of one run with one head of keys and values. If there are units enough, each is one item
/// of work, which goes through its partitions. With few (decode), each partition of a unit is an item, its result waits in a slot,
/// and a second pass merges.
///
/// Its tasks are made once and read their operands from the fields, like those of [RowOperations].
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

  private final Task wholeUnits = this::wholeUnits;
  private final Task partitions = this::partitions;
  private final Task merges = this::merges;

  // Of the operation at hand.
  private final AttentionCall call = new AttentionCall();
  private List<KvRun> runs = List.of();
  private float[] out = {};
  private int slotFloats;

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

  /// See [Kernels#attention].
  void run(
      float[] x,
      int queryOffset,
      int stride,
      int numHeads,
      float scale,
      int window,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs,
      float[] out) {
    if (numHeads % layout.numKvHeads() != 0) {
      throw new IllegalArgumentException(
          "numHeads must be a multiple of numKvHeads " + layout.numKvHeads() + "; got " + numHeads);
    }
    call.set(x, queryOffset, stride, numHeads, scale, window, slab, layout, layer);
    this.runs = runs;
    this.out = out;
    listBlocks();
    int numUnits = numBlocks * layout.numKvHeads();
    int numItems = countPartitions(numUnits);
    slotFloats = largestBlock() * call.groupHeads() * call.partialFloats();
    if (numUnits >= UNITS_PER_THREAD * pool.threads()
        || numItems == numUnits
        || (long) numItems * slotFloats > maxSlotFloats) {
      pool.run(numUnits, 1, wholeUnits);
      return;
    }
    slots = grown(slots, (long) numItems * slotFloats);
    pool.run(numItems, 1, partitions);
    pool.run(numUnits, 1, merges);
  }

  private void wholeUnits(int from, int to, int worker) {
    for (int unit = from; unit < to; unit++) {
      wholeUnit(unit, worker);
    }
  }

  private void wholeUnit(int unit, int worker) {
    float[] partials = grown(scratch[worker], 2L * slotFloats);
    scratch[worker] = partials;
    int partition = firstPartition(unit);
    attend(unit, partition, partials, 0, worker);
    for (int last = lastPartition(unit); partition < last; ) {
      attend(unit, ++partition, partials, slotFloats, worker);
      merge(unit, partials, 0, slotFloats);
    }
    finish(unit, partials, 0);
  }

  private void partitions(int from, int to, int worker) {
    for (int item = from; item < to; item++) {
      int unit = unitOf(item);
      int partition = firstPartition(unit) + item - firstItem[unit];
      attend(unit, partition, slots, item * slotFloats, worker);
    }
  }

  private void merges(int from, int to, int worker) {
    for (int unit = from; unit < to; unit++) {
      int first = firstItem[unit] * slotFloats;
      for (int item = firstItem[unit] + 1; item < firstItem[unit + 1]; item++) {
        merge(unit, slots, first, item * slotFloats);
      }
      finish(unit, slots, first);
    }
  }

  private void listBlocks() {
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
  private int largestBlock() {
    int largest = 0;
    for (int r = 0; r < runs.size(); r++) {
      largest = Math.max(largest, runs.get(r).numTokens());
    }
    return Math.min(UNIT_TOKENS, largest);
  }

  private int countPartitions(int numUnits) {
    if (firstItem.length <= numUnits) {
      firstItem = new int[2 * numUnits + 1];
    }
    int numItems = 0;
    for (int unit = 0; unit < numUnits; unit++) {
      firstItem[unit] = numItems;
      numItems += lastPartition(unit) - firstPartition(unit) + 1;
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

  private KvRun runOf(int unit) {
    return runs.get(blockRun[unit / call.layout().numKvHeads()]);
  }

  /// First token of the unit, counted from the start of its run.
  private int firstToken(int unit) {
    return blockFirstToken[unit / call.layout().numKvHeads()];
  }

  private int numTokens(int unit) {
    return Math.min(UNIT_TOKENS, runOf(unit).numTokens() - firstToken(unit));
  }

  private int firstPartition(int unit) {
    int position = runOf(unit).startPosition() + firstToken(unit);
    return call.firstSeen(position) / AttentionCall.PARTITION;
  }

  private int lastPartition(int unit) {
    int lastToken = firstToken(unit) + numTokens(unit) - 1;
    return (runOf(unit).startPosition() + lastToken) / AttentionCall.PARTITION;
  }

  private void attend(int unit, int partition, float[] partials, int offset, int worker) {
    int numKvHeads = call.layout().numKvHeads();
    math.attend(
        call,
        runOf(unit),
        unit % numKvHeads,
        partition,
        firstToken(unit),
        numTokens(unit),
        partials,
        offset,
        worker);
  }

  /// Takes the next partition's results, at `next`, into those at `first`.
  private void merge(int unit, float[] partials, int first, int next) {
    int numQueries = numTokens(unit) * call.groupHeads();
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

  private void finish(int unit, float[] partials, int offset) {
    int numKvHeads = call.layout().numKvHeads();
    int headDim = call.layout().headDim();
    int groupHeads = call.groupHeads();
    int firstToken = runOf(unit).firstToken() + firstToken(unit);
    for (int t = 0; t < numTokens(unit); t++) {
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
