package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.tensor.KvLayout.STRIP_TOKENS;

import dev.slabstream.kernel.AttentionCall;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.kernel.PartialSums;
import dev.slabstream.tensor.KvLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Attention of one thread: the queries of some tokens, for the heads that share keys and values, over one partition. Owns that
/// thread's scratch memory.
///
/// Keys and values are read once for all queries, in ascending positions. Those of one token find them in the slab, see
/// [SlabProducts]. For more, a few strips at a time are turned into floats in the first-level cache, and all queries use them there
/// before the next are read:
///
/// 1. Scores by [AttentionTile], strip after strip: keys are the weights, lanes = positions. Lanes of positions that a query does not
///    see may hold anything; they are replaced by negative infinity, whose exponential is 0.
/// 2. Exponentials and their sum, per query.
/// 3. Weighted values by [AttentionTile]: values are the weights, lanes = dimensions of the head. A tile runs over the positions that
///    all its queries see; the few before and after are added query by query, so that nobody ever multiplies a value it does not see.
final class PartitionAttention {
  private static final int PARTITION = AttentionCall.PARTITION;
  private static final int ROWS = AttentionTile.ROWS;
  private static final int STRIDE = AttentionTile.ROW_STRIDE;

  /// Queries that share a reading of keys and values; their scores and sums should stay in the second-level cache.
  private static final int MAX_QUERIES = 96;

  /// Positions of a pair of vectors at the largest width.
  private static final int KEY_POSITIONS = 2 * STRIP_TOKENS;

  /// So many that reading and writing the sums of a tile costs little beside its products.
  private static final int VALUE_POSITIONS = 4 * STRIP_TOKENS;

  private final Strips keys = new Strips(true, KEY_POSITIONS);
  private final Strips values = new Strips(false, VALUE_POSITIONS);
  private final SlabProducts inSlab = new SlabProducts(keys, values);
  private float[] queries = {};
  private float[] weighted = {};
  private final float[] scores = new float[MAX_QUERIES * STRIDE];
  private final float[] factors = new float[PARTITION];
  private final float[] zeros = new float[2 * LENGTH];
  private final float[] partials = new float[PartialSums.COUNT];
  private final int[] from = new int[MAX_QUERIES];
  private final int[] to = new int[MAX_QUERIES];
  private final float[] max = new float[MAX_QUERIES];
  private final float[] sum = new float[MAX_QUERIES];

  // Of the present call.
  private int headDim;

  /// The same rounded up to rows of 16.
  private int stripDim;

  private int partitionStart;

  /// Whether keys and values are read where they lie, as suits the few queries of one token.
  private boolean fromSlab;

  private int begin;
  private int stop;

  /// Every loop over queries has a method of its own. Were they here, the compiler would meet this method in the middle of them, again and
  /// again, and make one of all that it calls each time: a sixth of its work in the warm-up.
  void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int partition,
      int firstToken,
      int numTokens,
      float[] out,
      int outOffset) {
    partitionStart = partition * PARTITION;
    useDims(call.layout());
    int numQueries = numTokens * call.groupHeads();
    for (int first = 0; first < numQueries; first += MAX_QUERIES) {
      int count = Math.min(MAX_QUERIES, numQueries - first);
      takeQueries(call, run, kvHead, firstToken, first, count);
      fromSlab = numTokens == 1 && SlabProducts.canTake(call, queries, count);
      score(call, run, kvHead, count);
      softmaxes(count);
      weigh(call, run, kvHead, count);
      putPartials(count, out, outOffset + first * call.partialFloats(), call.partialFloats());
    }
  }

  private void useDims(KvLayout layout) {
    headDim = layout.headDim();
    stripDim = layout.paddedDim();
    queries = grown(queries, (headDim + PARTITION - 1) / PARTITION * MAX_QUERIES * STRIDE);
    weighted = grown(weighted, paddedDim() * MAX_QUERIES);
  }

  private static float[] grown(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }

  /// The head's dimensions, up to whole pairs of vectors.
  private int paddedDim() {
    return paddedDim(headDim);
  }

  static int paddedDim(int headDim) {
    return (headDim + 2 * LENGTH - 1) / (2 * LENGTH) * (2 * LENGTH);
  }

  /// Queries `first .. first + count - 1` of the tokens, and which positions each sees.
  private void takeQueries(
      AttentionCall call, KvRun run, int kvHead, int firstToken, int first, int count) {
    int groupHeads = call.groupHeads();
    begin = Integer.MAX_VALUE;
    stop = 0;
    for (int j = 0; j < count; j++) {
      int token = firstToken + (first + j) / groupHeads;
      int position = run.startPosition() + token;
      from[j] = Math.max(call.firstSeen(position), partitionStart);
      to[j] = Math.max(from[j], Math.min(position + 1, partitionStart + PARTITION));
      if (from[j] < to[j]) {
        begin = Math.min(begin, from[j]);
        stop = Math.max(stop, to[j]);
      }
      int head = kvHead * groupHeads + (first + j) % groupHeads;
      int x = call.query(run.firstToken() + token, head);
      for (int d = 0; d < headDim; d += PARTITION) {
        System.arraycopy(
            call.x(), x + d, queries, queryOffset(j, d), Math.min(PARTITION, headDim - d));
      }
    }
  }

  /// Rows hold 256 elements at most: where elements `d` and on of query `j` are, `d` a multiple of 256.
  static int queryOffset(int j, int d) {
    return (d / PARTITION * MAX_QUERIES + j) * STRIDE;
  }

  /// The last tile is filled up with whatever was there.
  private static int tileEnd(int numQueries) {
    return (numQueries + ROWS - 1) / ROWS * ROWS;
  }

  /// Scores `[numQueries][256]`, scaled.
  private void score(AttentionCall call, KvRun run, int kvHead, int numQueries) {
    if (fromSlab) {
      keys.copyScales(call, run, kvHead, partitionStart, begin, stop);
      inSlab.score(
          call, run, kvHead, queries, numQueries, headDim, scores, partitionStart, begin, stop);
    } else {
      keys.copy(call, run, kvHead, partitionStart, begin, stop);
      scoreFromCopy(numQueries);
    }
    Arrays.fill(factors, call.scale());
    if (call.layout().type().scaleBytes() > 0) {
      multiply(factors, 0, keys.scales(), 0, PARTITION);
    }
    multiplySeen(numQueries, factors);
  }

  private void scoreFromCopy(int numQueries) {
    for (int p = begin - begin % KEY_POSITIONS; p < stop; p += KEY_POSITIONS) {
      int at = keys.open(p - partitionStart);
      for (int j = 0; j < numQueries; j += ROWS) {
        scoreTile(j, p, to[Math.min(j + ROWS, numQueries) - 1], at);
      }
    }
  }

  /// @param at where the keys of `position` begin
  private void scoreTile(int j, int position, int end, int at) {
    for (int i = 0; i < KEY_POSITIONS && position + i < end; i += 2 * LENGTH) {
      int out = j * STRIDE + position + i - partitionStart;
      for (int d = 0; d < headDim; d += PARTITION) {
        AttentionTile.multiply(
            keys.floats(),
            at + keyOffset(i) + d * STRIP_TOKENS,
            at + keyOffset(i + LENGTH) + d * STRIP_TOKENS,
            Math.min(PARTITION, headDim - d),
            queries,
            queryOffset(j, d),
            d == 0 ? zeros : scores,
            d == 0 ? 0 : out,
            d == 0 ? 0 : STRIDE,
            scores,
            out,
            STRIDE);
      }
    }
  }

  /// Where the keys of the vector of positions begin that starts `i` positions behind the first.
  private int keyOffset(int i) {
    return i / STRIP_TOKENS * STRIP_TOKENS * stripDim + i % STRIP_TOKENS;
  }

  /// Multiplies what is in the row of each query, for the positions that it sees, by the factors of these positions.
  private void multiplySeen(int numQueries, float[] factors) {
    for (int j = 0; j < numQueries; j++) {
      int seen = from[j] - partitionStart;
      multiply(scores, j * STRIDE + seen, factors, seen, to[j] - from[j]);
    }
  }

  private static void multiply(float[] x, int at, float[] factors, int first, int count) {
    for (int i = 0; i < count; i++) {
      x[at + i] *= factors[first + i];
    }
  }

  private void softmaxes(int numQueries) {
    for (int j = 0; j < numQueries; j++) {
      softmax(j);
    }
  }

  private void softmax(int j) {
    max[j] = Float.NEGATIVE_INFINITY;
    sum[j] = 0f;
    if (from[j] >= to[j]) {
      return;
    }
    int row = j * STRIDE;
    int seenFrom = from[j] - partitionStart;
    int seenTo = to[j] - partitionStart;
    int first = seenFrom - seenFrom % PartialSums.COUNT;
    int length = (seenTo - first + PartialSums.COUNT - 1) / PartialSums.COUNT * PartialSums.COUNT;
    Arrays.fill(scores, row + first, row + seenFrom, Float.NEGATIVE_INFINITY);
    Arrays.fill(scores, row + seenTo, row + first + length, Float.NEGATIVE_INFINITY);
    max[j] = largest(row + first, length);
    sum[j] = RowMath.exponentials(scores, row + first, length, max[j], partials);
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

  private void weigh(AttentionCall call, KvRun run, int kvHead, int numQueries) {
    if (fromSlab) {
      values.copyScales(call, run, kvHead, partitionStart, begin, stop);
    } else {
      values.copy(call, run, kvHead, partitionStart, begin, stop);
    }
    if (call.layout().type().scaleBytes() > 0) {
      multiplySeen(numQueries, values.scales());
    }
    Arrays.fill(weighted, 0, tileEnd(numQueries) * paddedDim(), 0f);
    if (fromSlab) {
      inSlab.weigh(call, run, kvHead, scores, numQueries, weighted, partitionStart, begin, stop);
    } else {
      weighFromCopy(numQueries);
    }
  }

  private void putPartials(int numQueries, float[] out, int at, int stride) {
    for (int j = 0; j < numQueries; j++) {
      int partial = at + j * stride;
      out[partial] = max[j];
      out[partial + 1] = sum[j];
      System.arraycopy(
          weighted, j * paddedDim(), out, partial + AttentionCall.PARTIAL_HEADER, headDim);
    }
  }

  private void weighFromCopy(int numQueries) {
    for (int first = begin - begin % STRIP_TOKENS; first < stop; first += VALUE_POSITIONS) {
      int end = Math.min(first + VALUE_POSITIONS, stop);
      int at = values.open(first - partitionStart);
      for (int j = 0; j < numQueries; j += ROWS) {
        weighTile(j, Math.min(ROWS, numQueries - j), first, end, at);
      }
    }
  }

  /// Adds the values of positions `first .. end - 1`, which begin at `at`, to the sums of `count` queries from `j` on.
  private void weighTile(int j, int count, int first, int end, int at) {
    int commonFrom = first;
    int commonTo = end;
    for (int i = j; i < j + count; i++) {
      commonFrom = Math.max(commonFrom, from[i]);
      commonTo = Math.min(commonTo, to[i]);
    }
    commonFrom = Math.min(commonFrom, end);
    commonTo = Math.max(commonFrom, commonTo);
    for (int i = j; i < j + count; i++) {
      addValues(
          i, Math.max(from[i], first), Math.min(to[i], commonFrom), at - first * STRIP_TOKENS);
    }
    if (commonFrom < commonTo) {
      for (int d = 0; d < headDim; d += 2 * LENGTH) {
        int value = at + (commonFrom - first) * STRIP_TOKENS;
        int out = j * paddedDim() + d;
        AttentionTile.multiply(
            values.floats(),
            value + valueOffset(d),
            // Beyond the last, where the width of a pair of vectors does not divide the dimension:
            // any other.
            value + valueOffset(Math.min(d + LENGTH, stripDim - LENGTH)),
            commonTo - commonFrom,
            scores,
            j * STRIDE + commonFrom - partitionStart,
            weighted,
            out,
            paddedDim(),
            weighted,
            out,
            paddedDim());
      }
    }
    for (int i = j; i < j + count; i++) {
      addValues(i, Math.max(from[i], commonTo), Math.min(to[i], end), at - first * STRIP_TOKENS);
    }
  }

  /// Where dimension `d` of the first position opened lies.
  private int valueOffset(int d) {
    return d / STRIP_TOKENS * values.partStride() + d % STRIP_TOKENS;
  }

  /// Adds the values of positions `begin .. stop - 1` to one query's sum; those of position `p` begin at `origin + p * 16`.
  private void addValues(int j, int begin, int stop, int origin) {
    float[] floats = values.floats();
    int out = j * paddedDim();
    for (int p = begin; p < stop; p++) {
      float e = scores[j * STRIDE + p - partitionStart];
      int value = origin + p * STRIP_TOKENS;
      for (int d = 0; d < headDim; d++) {
        weighted[out + d] = Math.fma(e, floats[value + valueOffset(d)], weighted[out + d]);
      }
    }
  }
}
