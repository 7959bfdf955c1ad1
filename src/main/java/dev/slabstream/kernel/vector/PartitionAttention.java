package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.slabstream.kernel.AttentionCall;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.kernel.PartialSums;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of one thread: the queries of some tokens, for the heads that share keys and values, over one partition. Owns that
/// thread's scratch memory.
///
/// 1. The blocks' keys and values are copied to arrays, once for all queries.
/// 2. Per tile of queries, scores by [Tile]: keys are the weights, lanes = positions. Lanes of positions that a query does not see
///    may hold anything; they are replaced by negative infinity, whose exponential is 0.
/// 3. Exponentials and their sum, per query.
/// 4. Weighted values by [Tile]: values are the weights, lanes = dimensions of the head. A tile runs over the positions that all its
///    queries see; the few before and after are added query by query, so that nobody ever multiplies a value it does not see.
final class PartitionAttention {
  private static final int PARTITION = AttentionCall.PARTITION;

  private float[] keys = {};
  private float[] values = {};
  private float[] queries = {};
  private float[] weighted = {};
  private final float[] scores = new float[Tile.MAX_WIDTH * PARTITION];
  private final float[] weights = new float[Tile.MAX_WIDTH * PARTITION];
  private final float[] zeros = new float[2 * LENGTH];
  private final float[] partials = new float[PartialSums.COUNT];
  private final int[] from = new int[Tile.MAX_WIDTH];
  private final int[] to = new int[Tile.MAX_WIDTH];
  private final float[] max = new float[Tile.MAX_WIDTH];
  private final float[] sum = new float[Tile.MAX_WIDTH];

  // Of the present call: positions first .. end - 1 are copied, in whole blocks.
  private int headDim;
  private int blockTokens;
  private int first;
  private int end;

  void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int partition,
      int firstToken,
      int numTokens,
      float[] out,
      int outOffset) {
    int groupHeads = call.groupHeads();
    int start = run.startPosition() + firstToken;
    int begin = Math.max(call.firstSeen(start), partition * PARTITION);
    int stop = Math.min(start + numTokens, (partition + 1) * PARTITION);
    copyBlocks(call, run, kvHead, begin, stop);
    int numQueries = numTokens * groupHeads;
    for (int query = 0; query < numQueries; ) {
      int width = Tile.width(numQueries - query);
      int real = Math.min(width, numQueries - query);
      for (int j = 0; j < real; j++) {
        int token = firstToken + (query + j) / groupHeads;
        int position = run.startPosition() + token;
        from[j] = Math.max(call.firstSeen(position), partition * PARTITION);
        to[j] = Math.max(from[j], Math.min(position + 1, (partition + 1) * PARTITION));
        int head = kvHead * groupHeads + (query + j) % groupHeads;
        int x = call.query(run.firstToken() + token, head);
        for (int d = 0; d < headDim; d++) {
          queries[d * width + j] = call.x()[x + d];
        }
      }
      scoreTile(width, partition * PARTITION, begin, stop);
      for (int j = 0; j < real; j++) {
        softmax(j, partition * PARTITION, call.scale());
      }
      weighTile(width, real, partition * PARTITION);
      for (int j = 0; j < real; j++) {
        int partial = outOffset + (query + j) * call.partialFloats();
        out[partial] = max[j];
        out[partial + 1] = sum[j];
        System.arraycopy(
            weighted, j * paddedDim(), out, partial + AttentionCall.PARTIAL_HEADER, headDim);
      }
      query += width;
    }
  }

  private void copyBlocks(AttentionCall call, KvRun run, int kvHead, int begin, int stop) {
    KvLayout layout = call.layout();
    headDim = layout.headDim();
    blockTokens = layout.blockTokens();
    first = begin - begin % blockTokens;
    end = (stop + blockTokens - 1) / blockTokens * blockTokens;
    int floats = (end - first) * headDim;
    keys = grown(keys, floats);
    values = grown(values, floats + 2 * LENGTH);
    queries = grown(queries, headDim * Tile.MAX_WIDTH);
    weighted = grown(weighted, paddedDim() * Tile.MAX_WIDTH);
    int blockFloats = blockTokens * headDim;
    for (int p = first, at = 0; p < end; p += blockTokens, at += blockFloats) {
      int block = run.blocks()[p / blockTokens];
      long keyOffset = layout.keyOffset(call.layer(), block, kvHead);
      long valueOffset = layout.valueOffset(call.layer(), block, kvHead);
      MemorySegment.copy(call.slab(), JAVA_FLOAT, keyOffset, keys, at, blockFloats);
      MemorySegment.copy(call.slab(), JAVA_FLOAT, valueOffset, values, at, blockFloats);
    }
  }

  private static float[] grown(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }

  /// The head's dimensions, up to whole pairs of vectors.
  private int paddedDim() {
    return (headDim + 2 * LENGTH - 1) / (2 * LENGTH) * (2 * LENGTH);
  }

  /// Scores `[width][256]`, not yet scaled.
  private void scoreTile(int width, int partitionStart, int begin, int stop) {
    for (int p = begin - begin % (2 * LENGTH); p < stop; p += 2 * LENGTH) {
      Tile.multiply(
          width,
          keys,
          keyOffset(p),
          keyOffset(p + LENGTH),
          blockTokens,
          headDim,
          queries,
          0,
          zeros,
          0,
          0,
          scores,
          p - partitionStart,
          PARTITION);
    }
  }

  /// Where the keys of the vector of positions at `p` begin; any other vector of keys for positions not copied.
  private int keyOffset(int p) {
    int copied = Math.min(Math.max(p, first), end - LENGTH) - first;
    return copied / blockTokens * blockTokens * headDim + copied % blockTokens;
  }

  private void softmax(int j, int partitionStart, float scale) {
    max[j] = Float.NEGATIVE_INFINITY;
    sum[j] = 0f;
    if (from[j] >= to[j]) {
      return;
    }
    int row = j * PARTITION;
    int seenFrom = from[j] - partitionStart;
    int seenTo = to[j] - partitionStart;
    int begin = seenFrom - seenFrom % PartialSums.COUNT;
    int length = (seenTo - begin + PartialSums.COUNT - 1) / PartialSums.COUNT * PartialSums.COUNT;
    Arrays.fill(scores, row + begin, row + seenFrom, Float.NEGATIVE_INFINITY);
    for (int i = seenFrom; i < seenTo; i++) {
      scores[row + i] *= scale;
    }
    Arrays.fill(scores, row + seenTo, row + begin + length, Float.NEGATIVE_INFINITY);
    max[j] = largest(row + begin, length);
    sum[j] = RowMath.exponentials(scores, row + begin, length, max[j], partials);
  }

  private float largest(int offset, int length) {
    FloatVector high = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < length; i += LENGTH) {
      high = high.max(FloatVector.fromArray(F, scores, offset + i));
    }
    high.intoArray(partials, 0);
    float largest = partials[0];
    for (int i = 1; i < LENGTH; i++) {
      largest = Math.max(largest, partials[i]);
    }
    return largest;
  }

  private void weighTile(int width, int real, int partitionStart) {
    int commonFrom = 0;
    int commonTo = Integer.MAX_VALUE;
    for (int j = 0; j < real; j++) {
      commonFrom = Math.max(commonFrom, from[j]);
      commonTo = Math.min(commonTo, to[j]);
    }
    commonTo = Math.max(commonFrom, commonTo);
    Arrays.fill(weighted, 0, width * paddedDim(), 0f);
    for (int j = 0; j < real; j++) {
      int score = j * PARTITION - partitionStart;
      addValues(j, score, from[j], Math.min(to[j], commonFrom));
      for (int p = commonFrom; p < commonTo; p++) {
        weights[(p - commonFrom) * width + j] = scores[score + p];
      }
    }
    for (int d = 0; d < headDim; d += 2 * LENGTH) {
      int value = (commonFrom - first) * headDim + d;
      Tile.multiply(
          width,
          values,
          value,
          value + LENGTH,
          headDim,
          commonTo - commonFrom,
          weights,
          0,
          weighted,
          d,
          paddedDim(),
          weighted,
          d,
          paddedDim());
    }
    for (int j = 0; j < real; j++) {
      addValues(j, j * PARTITION - partitionStart, Math.max(commonTo, from[j]), to[j]);
    }
  }

  /// Adds the values of positions `begin .. stop - 1` to one query's sum.
  private void addValues(int j, int score, int begin, int stop) {
    int out = j * paddedDim();
    for (int p = begin; p < stop; p++) {
      float e = scores[score + p];
      int value = (p - first) * headDim;
      for (int d = 0; d < headDim; d++) {
        weighted[out + d] = Math.fma(e, values[value + d], weighted[out + d]);
      }
    }
  }
}
