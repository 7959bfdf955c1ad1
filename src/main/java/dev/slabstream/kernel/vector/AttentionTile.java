package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;
import static dev.slabstream.tensor.KvLayout.STRIP_TOKENS;

import dev.slabstream.kernel.AttentionCall;
import jdk.incubator.vector.FloatVector;

/// The product at the bottom of attention: four rows of inputs times two vectors of columns, every element one chain of fused
/// multiply-adds in the order of `k`. The columns of consecutive `k` are 16 apart, see [Strips]. Unlike [Tile] it takes the inputs as
/// rows, as queries and exponentials lie, so that nothing is laid out anew; eight accumulators, the most that sixteen registers hold
/// beside the operands.
final class AttentionTile {
  /// Rows of a tile.
  static final int ROWS = 4;

  /// From row to row of the inputs: a partition, and a cache line more, so that rows do not meet in the same sets of the cache. Constant,
  /// so that one register addresses all rows.
  static final int ROW_STRIDE = AttentionCall.PARTITION + 16;

  private AttentionTile() {}

  /// `out[j][c] = start[j][c] + sum over k of x[j][k] * w[k][c]`, for the columns of two vectors.
  ///
  /// @param w0 offset of the first vector of columns at `k` = 0
  /// @param w1 the same of the second vector
  /// @param x row `j` at `xOffset + j * ROW_STRIDE`
  /// @param start row `j` at `startOffset + j * startStride`: columns of the first vector, then those of the second
  /// @param out likewise; may be `start`
  static void multiply(
      float[] w,
      int w0,
      int w1,
      int numK,
      float[] x,
      int xOffset,
      float[] start,
      int startOffset,
      int startStride,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector a0 = FloatVector.fromArray(F, start, startOffset);
    FloatVector b0 = FloatVector.fromArray(F, start, startOffset + LENGTH);
    FloatVector a1 = FloatVector.fromArray(F, start, startOffset + startStride);
    FloatVector b1 = FloatVector.fromArray(F, start, startOffset + startStride + LENGTH);
    FloatVector a2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride);
    FloatVector b2 = FloatVector.fromArray(F, start, startOffset + 2 * startStride + LENGTH);
    FloatVector a3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride);
    FloatVector b3 = FloatVector.fromArray(F, start, startOffset + 3 * startStride + LENGTH);
    for (int k = 0; k < numK; k++) {
      int at = xOffset + k;
      FloatVector wa = FloatVector.fromArray(F, w, w0 + k * STRIP_TOKENS);
      FloatVector wb = FloatVector.fromArray(F, w, w1 + k * STRIP_TOKENS);
      FloatVector x0 = FloatVector.broadcast(F, x[at]);
      a0 = wa.fma(x0, a0);
      b0 = wb.fma(x0, b0);
      FloatVector x1 = FloatVector.broadcast(F, x[at + ROW_STRIDE]);
      a1 = wa.fma(x1, a1);
      b1 = wb.fma(x1, b1);
      FloatVector x2 = FloatVector.broadcast(F, x[at + 2 * ROW_STRIDE]);
      a2 = wa.fma(x2, a2);
      b2 = wb.fma(x2, b2);
      FloatVector x3 = FloatVector.broadcast(F, x[at + 3 * ROW_STRIDE]);
      a3 = wa.fma(x3, a3);
      b3 = wb.fma(x3, b3);
    }
    a0.intoArray(out, outOffset);
    b0.intoArray(out, outOffset + LENGTH);
    a1.intoArray(out, outOffset + outStride);
    b1.intoArray(out, outOffset + outStride + LENGTH);
    a2.intoArray(out, outOffset + 2 * outStride);
    b2.intoArray(out, outOffset + 2 * outStride + LENGTH);
    a3.intoArray(out, outOffset + 3 * outStride);
    b3.intoArray(out, outOffset + 3 * outStride + LENGTH);
  }
}
