package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.HALF_SCALE;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.tensor.KvLayout.STRIP_TOKENS;

import dev.slabstream.kernel.AttentionCall;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.tensor.KvType;

/// The products of attention for the heads of one token, which see the same positions: by [SlabTile], over keys and values where they
/// lie. Copying them first, as is right for many queries, would take as long as all products of a few.
///
/// Of the inputs, rows of [AttentionTile#ROW_STRIDE], those that meet 16-bit floats are made 2^112 times larger first, in place.
final class SlabProducts {
  private static final int PARTITION = AttentionCall.PARTITION;
  private static final int ROWS = AttentionTile.ROWS;
  private static final int STRIDE = AttentionTile.ROW_STRIDE;

  /// Times 2^112 it is a finite float.
  private static final float MAX_SCALABLE = 0x1p15f;

  private final Strips keys;
  private final Strips values;
  private final long[] strips = new long[PARTITION / STRIP_TOKENS];
  private final float[] zeros = new float[2 * LENGTH];

  SlabProducts(Strips keys, Strips values) {
    this.keys = keys;
    this.values = values;
  }

  /// Whether the queries are not too large for 16-bit floats, where the slab holds them.
  static boolean canTake(AttentionCall call, float[] queries, int numQueries) {
    if (call.layout().type() != KvType.F16) {
      return true;
    }
    int headDim = call.layout().headDim();
    float largest = 0f;
    for (int d = 0; d < headDim; d += PARTITION) {
      for (int j = 0; j < numQueries; j++) {
        int at = PartitionAttention.queryOffset(j, d);
        for (int i = at; i < at + Math.min(PARTITION, headDim - d); i++) {
          largest = Math.max(largest, Math.abs(queries[i]));
        }
      }
    }
    return largest < MAX_SCALABLE;
  }

  /// Scores of positions `begin .. stop - 1`, not yet scaled: row `j` of `scores` begins with that of `partitionStart`.
  void score(
      AttentionCall call,
      KvRun run,
      int kvHead,
      float[] queries,
      int numQueries,
      int headDim,
      float[] scores,
      int partitionStart,
      int begin,
      int stop) {
    KvType type = call.layout().type();
    for (int d = 0; type == KvType.F16 && d < headDim; d += PARTITION) {
      for (int j = 0; j < numQueries; j++) {
        enlarge(queries, PartitionAttention.queryOffset(j, d), Math.min(PARTITION, headDim - d));
      }
    }
    for (int p = begin - begin % (2 * LENGTH); p < stop; p += 2 * LENGTH) {
      // At the largest width a vector is a whole strip; one that nobody sees may not be there.
      strips[0] = keyOffset(call, run, kvHead, Math.max(p, begin - begin % LENGTH));
      int second = Math.min(p + LENGTH, stop - 1);
      long next = keyOffset(call, run, kvHead, second - second % LENGTH) - strips[0];
      for (int j = 0; j < numQueries; j += ROWS) {
        int out = j * STRIDE + p - partitionStart;
        for (int d = 0; d < headDim; d += PARTITION) {
          long skipped = (long) d * STRIP_TOKENS * type.elementBytes();
          SlabTile.multiply(
              type,
              call.slab(),
              strips,
              1,
              skipped,
              next + skipped,
              Math.min(PARTITION, headDim - d),
              queries,
              PartitionAttention.queryOffset(j, d),
              d == 0 ? zeros : scores,
              d == 0 ? 0 : out,
              d == 0 ? 0 : STRIDE,
              scores,
              out,
              STRIDE);
        }
      }
    }
  }

  /// Offset in the slab of the first dimension of the vector of keys at `position`.
  private long keyOffset(AttentionCall call, KvRun run, int kvHead, int position) {
    int lane = position % STRIP_TOKENS;
    return keys.strip(call, run, kvHead, position - lane)
        + (long) lane * call.layout().type().elementBytes();
  }

  /// Adds the values of positions `begin .. stop - 1`, weighted, to `weighted`, rows of [PartitionAttention#paddedDim].
  void weigh(
      AttentionCall call,
      KvRun run,
      int kvHead,
      float[] weights,
      int numQueries,
      float[] weighted,
      int partitionStart,
      int begin,
      int stop) {
    if (call.layout().type() == KvType.F16) {
      for (int j = 0; j < numQueries; j++) {
        enlarge(weights, j * STRIDE + begin - partitionStart, stop - begin);
      }
    }
    for (int p = begin; p < stop; ) {
      int lane = p % STRIP_TOKENS;
      int numK = Math.min(STRIP_TOKENS - lane, stop - p);
      // Whole strips together.
      int numStrips = numK == STRIP_TOKENS ? (stop - p) / STRIP_TOKENS : 1;
      for (int i = 0; i < numStrips; i++) {
        strips[i] = values.strip(call, run, kvHead, p - lane + i * STRIP_TOKENS);
      }
      addStrips(call, numStrips, lane, numK, weights, p - partitionStart, numQueries, weighted);
      p += numStrips * numK;
    }
  }

  /// Adds `numK` positions of each of `strips`, from the `lane`-th on.
  ///
  /// @param first place of the first weight in its row
  private void addStrips(
      AttentionCall call,
      int numStrips,
      int lane,
      int numK,
      float[] weights,
      int first,
      int numQueries,
      float[] weighted) {
    KvType type = call.layout().type();
    int headDim = call.layout().headDim();
    int stride = PartitionAttention.paddedDim(headDim);
    int lastVector = call.layout().paddedDim() - LENGTH;
    for (int j = 0; j < numQueries; j += ROWS) {
      for (int d = 0; d < headDim; d += 2 * LENGTH) {
        SlabTile.multiply(
            type,
            call.slab(),
            strips,
            numStrips,
            valueElement(lane, d) * type.elementBytes(),
            // Beyond the last, where a pair of vectors does not divide the dimension: any other.
            valueElement(lane, Math.min(d + LENGTH, lastVector)) * type.elementBytes(),
            numK,
            weights,
            j * STRIDE + first,
            weighted,
            j * stride + d,
            stride,
            weighted,
            j * stride + d,
            stride);
      }
    }
  }

  /// Place in a strip of dimension `d` of its `lane`-th position.
  private static long valueElement(int lane, int d) {
    return (d / STRIP_TOKENS * STRIP_TOKENS + lane) * STRIP_TOKENS + d % STRIP_TOKENS;
  }

  private static void enlarge(float[] x, int at, int count) {
    for (int i = at; i < at + count; i++) {
      x[i] *= HALF_SCALE;
    }
  }
}
