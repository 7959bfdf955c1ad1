package dev.slabstream.kernel.vector;

import dev.slabstream.kernel.Activations;
import dev.slabstream.kernel.AttentionCall;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.kernel.LogitsChunk;
import dev.slabstream.kernel.PackedPanels;
import dev.slabstream.kernel.PanelMath;

/// The vector backend: gives each piece of work to the class that knows it, with the scratch memory of the thread that calls.
final class VectorMath implements PanelMath {
  private final PanelProducts[] products;
  private final RowMath[] rows;
  private final PartitionAttention[] attentions;

  VectorMath(int threads) {
    products = new PanelProducts[threads];
    rows = new RowMath[threads];
    attentions = new PartitionAttention[threads];
    for (int i = 0; i < threads; i++) {
      products[i] = new PanelProducts();
      rows[i] = new RowMath();
      attentions[i] = new PartitionAttention();
    }
  }

  @Override
  public int vectorBits() {
    return Lanes.BITS;
  }

  @Override
  public int blockTokens() {
    return PanelProducts.BLOCK_TOKENS;
  }

  /// Tile after tile, `[cols][4]` each, so that the inputs of a step of the product lie side by side; padded with zeros.
  @Override
  public void tile(Activations in, int firstToken, int numTokens, int fromCol, int toCol) {
    if (in.plain()) {
      tile(in.x(), in.tiles(), in.cols(), firstToken, numTokens, fromCol, toCol);
    }
    if (in.grouped()) {
      tile(in.termInputs(), in.termTiles(), in.cols(), firstToken, numTokens, fromCol, toCol);
    }
    if (in.sums()) {
      int from = fromCol / Activations.GROUP_ELEMENTS;
      int to = toCol / Activations.GROUP_ELEMENTS;
      tile(in.groupSums(), in.sumTiles(), in.numGroups(), firstToken, numTokens, from, to);
    }
  }

  private static void tile(
      float[] x, float[] tiles, int cols, int firstToken, int numTokens, int fromCol, int toCol) {
    int width = Tile.WIDTH;
    for (int t = 0; t < numTokens; t += width) {
      int tile = (firstToken + t) * cols;
      for (int j = 0; j < width; j++) {
        int from = (firstToken + t + j) * cols;
        if (t + j < numTokens) {
          for (int k = fromCol; k < toCol; k++) {
            tiles[tile + k * width + j] = x[from + k];
          }
        } else {
          for (int k = fromCol; k < toCol; k++) {
            tiles[tile + k * width + j] = 0f;
          }
        }
      }
    }
  }

  @Override
  public void matmul(
      PackedPanels w,
      int panel,
      Activations in,
      int firstToken,
      int numTokens,
      float[] y,
      int worker) {
    if (in.numTokens() == 1) {
      products[worker].multiplyOne(w, panel, in, y);
    } else {
      products[worker].multiplyMany(w, panel, in, firstToken, numTokens, y);
    }
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker) {
    rows[worker].rmsNorm(x, xOffset, weight, eps, out, outOffset, dim);
  }

  @Override
  public void layerNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float[] bias,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker) {
    rows[worker].layerNorm(x, xOffset, weight, bias, eps, out, outOffset, dim);
  }

  @Override
  public void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int partition,
      int firstToken,
      int numTokens,
      float[] partials,
      int partialsOffset,
      int worker) {
    attentions[worker].attend(
        call, run, kvHead, partition, firstToken, numTokens, partials, partialsOffset);
  }

  @Override
  public void swiGlu(
      float[] x, int gateOffset, int upOffset, float[] out, int outOffset, int numElements) {
    RowMath.swiGlu(x, gateOffset, upOffset, out, outOffset, numElements);
  }

  @Override
  public void gelu(float[] x, int offset, int numElements) {
    RowMath.gelu(x, offset, numElements);
  }

  @Override
  public void summarize(float[] logits, int offset, int length, LogitsChunk out, int worker) {
    rows[worker].summarize(logits, offset, length, out);
  }

  @Override
  public float fmaChains(int steps) {
    return FmaChains.run(steps);
  }
}
