package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What all parts of one attention operation share; see [Kernels#attention]. The caller's thread fills it in, one object for
/// all operations; it is read-only while one runs.
public final class AttentionCall {
  /// Positions of a partition; partition `i` begins at position `i * 256` of the sequence.
  public static final int PARTITION = 256;

  /// Floats before the weighted sum in a partial result: the largest score and the sum of exponentials.
  public static final int PARTIAL_HEADER = 2;

  private float[] x = {};
  private int queryOffset;
  private int stride;
  private int numHeads;
  private float scale;
  private int window;
  private @Nullable MemorySegment slab;
  private @Nullable KvLayout layout;
  private int layer;

  void set(
      float[] x,
      int queryOffset,
      int stride,
      int numHeads,
      float scale,
      int window,
      MemorySegment slab,
      KvLayout layout,
      int layer) {
    this.x = x;
    this.queryOffset = queryOffset;
    this.stride = stride;
    this.numHeads = numHeads;
    this.scale = scale;
    this.window = window;
    this.slab = slab;
    this.layout = layout;
    this.layer = layer;
  }

  /// Rows of `stride` floats, queries in each; see [#query].
  public float[] x() {
    return x;
  }

  public int numHeads() {
    return numHeads;
  }

  /// What scores are multiplied by.
  public float scale() {
    return scale;
  }

  public MemorySegment slab() {
    return Objects.requireNonNull(slab);
  }

  public KvLayout layout() {
    return Objects.requireNonNull(layout);
  }

  public int layer() {
    return layer;
  }

  /// Query heads that share a head of keys and values.
  public int groupHeads() {
    return numHeads / layout().numKvHeads();
  }

  /// Floats of one query's partial result over a partition: `[max, sum, weighted values [headDim]]`.
  public int partialFloats() {
    return PARTIAL_HEADER + layout().headDim();
  }

  /// First position that the query of `position` sees.
  public int firstSeen(int position) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  /// Offset in `x` of the query of head `head` of the batch's token `token`.
  public int query(int token, int head) {
    return queryOffset + token * stride + head * layout().headDim();
  }
}
