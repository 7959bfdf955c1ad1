package dev.slabstream.kernel;

import dev.slabstream.kernel.WorkerPool.Task;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Cuts [Kernels#matmul] into pieces for the threads: first the inputs are brought into the form that the panels are multiplied
/// with, then each panel is multiplied with each block of tokens.
///
/// Its tasks are made once and read their operands from the fields, like those of [RowOperations].
final class MatrixProduct {
  /// Inputs that one piece of [PanelMath#tile] takes.
  private static final int TILE_COLS = 256;

  private final PanelMath math;
  private final WorkerPool pool;
  private final Activations in = new Activations();
  private final Task prepare = this::prepare;
  private final Task multiply = this::multiply;

  // Of the product at hand.
  private @Nullable PackedPanels weights;
  private float[] y = {};
  private int numSlices;

  MatrixProduct(PanelMath math, WorkerPool pool) {
    this.math = math;
    this.pool = pool;
  }

  void run(PackedPanels w, float[] x, float[] y, int numTokens) {
    weights = w;
    this.y = y;
    in.set(x, numTokens, w, math.blockTokens());
    int numBlocks = Math.ceilDiv(numTokens, math.blockTokens());
    if (numTokens > 1 || in.derives()) {
      numSlices = Math.ceilDiv(in.cols(), TILE_COLS);
      int numItems = numBlocks * numSlices;
      pool.run(numItems, RowOperations.isSmall(numTokens * in.cols()) ? numItems : 1, prepare);
    }
    pool.run(numBlocks * w.numPanels(), 1, multiply);
  }

  private void prepare(int from, int to, int worker) {
    for (int item = from; item < to; item++) {
      int first = firstToken(item / numSlices);
      int fromCol = item % numSlices * TILE_COLS;
      int toCol = Math.min(in.cols(), fromCol + TILE_COLS);
      if (in.derives()) {
        in.derive(first, numTokens(first), fromCol, toCol);
      }
      if (in.numTokens() > 1) {
        math.tile(in, first, numTokens(first), fromCol, toCol);
      }
    }
  }

  private void multiply(int from, int to, int worker) {
    PackedPanels w = Objects.requireNonNull(weights);
    for (int item = from; item < to; item++) {
      int first = firstToken(item / w.numPanels());
      math.matmul(w, item % w.numPanels(), in, first, numTokens(first), y, worker);
    }
  }

  private int firstToken(int block) {
    return block * math.blockTokens();
  }

  /// Tokens of the block that begins with token `first`.
  private int numTokens(int first) {
    return Math.min(math.blockTokens(), in.numTokens() - first);
  }
}
