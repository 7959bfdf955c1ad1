package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;

/// What all parts of one attention operation share; see [Kernels#attention].
///
/// @param x queries at `queryOffset` of each row of `stride` floats
/// @param window positions that a query sees, its own included; 0 = all
public record AttentionCall(
    float[] x,
    int queryOffset,
    int stride,
    int numHeads,
    float scale,
    int window,
    MemorySegment slab,
    KvLayout layout,
    int layer) {

  /// Positions of a partition; partition `i` begins at position `i * 256` of the sequence.
  public static final int PARTITION = 256;

  /// Floats before the weighted sum in a partial result: the largest score and the sum of exponentials.
  public static final int PARTIAL_HEADER = 2;

  /// Query heads that share a head of keys and values.
  public int groupHeads() {
    return numHeads / layout.numKvHeads();
  }

  /// Floats of one query's partial result over a partition: `[max, sum, weighted values [headDim]]`.
  public int partialFloats() {
    return PARTIAL_HEADER + layout.headDim();
  }

  /// First position that the query of `position` sees.
  public int firstSeen(int position) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  /// Offset in `x` of the query of head `head` of the batch's token `token`.
  public int query(int token, int head) {
    return queryOffset + token * stride + head * layout.headDim();
  }
}
