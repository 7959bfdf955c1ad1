package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Kernels over [PackedPanels]: owns the packed weights and the workers, cuts each operation into pieces, and leaves the
/// arithmetic of a piece to a [PanelMath]. Small operations run on the calling thread alone.
final class PanelKernels implements Kernels {
  /// Inputs that one piece of [PanelMath#tile] takes.
  private static final int TILE_COLS = 256;

  /// An operation over fewer floats than this costs less than waking a worker.
  private static final int SERIAL_FLOATS = 8192;

  /// Elements that stay together where an operation is cut between elements.
  private static final int GRAIN_ELEMENTS = 1024;

  private final KernelInfo info;
  private final PanelMath math;
  private final WorkerPool pool;
  private final WeightMemory memory = new WeightMemory();
  private final Activations activations = new Activations();
  private final Attention attention;
  private boolean closed;

  PanelKernels(KernelInfo info, PanelMath math) {
    this(info, math, Attention.MAX_SLOT_FLOATS);
  }

  /// As above, with a bound of its own on the memory that attention takes for partitions computed apart.
  PanelKernels(KernelInfo info, PanelMath math, long maxSlotFloats) {
    this.info = info;
    this.math = math;
    this.pool = new WorkerPool(info.threads());
    this.attention = new Attention(math, pool, maxSlotFloats);
  }

  @Override
  public KernelInfo info() {
    return info;
  }

  @Override
  public PackedMatrix pack(List<Tensor> weights) {
    return new PanelPacker(memory, pool).pack(weights);
  }

  @Override
  public void matmul(PackedMatrix w, float[] x, float[] y, int numTokens) {
    PackedPanels panels = panels(w);
    Activations in = activations;
    int blockTokens = math.blockTokens();
    in.set(x, numTokens, panels, blockTokens);
    int numBlocks = (numTokens + blockTokens - 1) / blockTokens;
    prepare(in, numBlocks, blockTokens);
    int numItems = numBlocks * panels.numPanels();
    pool.run(
        numItems,
        1,
        (from, to, worker) -> {
          for (int item = from; item < to; item++) {
            int first = item / panels.numPanels() * blockTokens;
            int count = Math.min(blockTokens, numTokens - first);
            math.matmul(panels, item % panels.numPanels(), in, first, count, y, worker);
          }
        });
  }

  private void prepare(Activations in, int numBlocks, int blockTokens) {
    int numTokens = in.numTokens();
    if (numTokens == 1 && !in.derives()) {
      return;
    }
    int slices = (in.cols() + TILE_COLS - 1) / TILE_COLS;
    int grain = serial(numTokens * in.cols()) ? numBlocks * slices : 1;
    pool.run(
        numBlocks * slices,
        grain,
        (from, to, worker) -> {
          for (int item = from; item < to; item++) {
            int first = item / slices * blockTokens;
            int count = Math.min(blockTokens, numTokens - first);
            int fromCol = item % slices * TILE_COLS;
            int toCol = Math.min(in.cols(), fromCol + TILE_COLS);
            if (in.derives()) {
              in.derive(first, count, fromCol, toCol);
            }
            if (numTokens > 1) {
              math.tile(in, first, count, fromCol, toCol);
            }
          }
        });
  }

  @Override
  public void gatherRows(PackedMatrix w, int[] rows, int numRows, float[] out) {
    PackedPanels panels = panels(w);
    forTokens(
        numRows,
        panels.cols(),
        (from, to, worker) -> {
          for (int i = from; i < to; i++) {
            panels.dequantizeRow(rows[i], out, i * panels.cols());
          }
        });
  }

  @Override
  public void rmsNorm(float[] x, float[] weight, float eps, float[] out, int numTokens, int dim) {
    forTokens(
        numTokens,
        dim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            math.rmsNorm(x, t * dim, weight, eps, out, t * dim, dim);
          }
        });
  }

  @Override
  public void rmsNormHeads(
      float[] x,
      int offset,
      int stride,
      float[] weight,
      float eps,
      int numTokens,
      int numHeads,
      int headDim) {
    forTokens(
        numTokens,
        numHeads * headDim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            for (int h = 0; h < numHeads; h++) {
              int at = offset + t * stride + h * headDim;
              math.rmsNorm(x, at, weight, eps, x, at, headDim);
            }
          }
        });
  }

  @Override
  public void layerNorm(
      float[] x, float[] weight, float[] bias, float eps, float[] out, int numTokens, int dim) {
    forTokens(
        numTokens,
        dim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            math.layerNorm(x, t * dim, weight, bias, eps, out, t * dim, dim);
          }
        });
  }

  @Override
  public void rope(
      float[] x,
      int offset,
      int stride,
      float[] cos,
      float[] sin,
      RopePairing pairing,
      int numTokens,
      int numHeads,
      int headDim) {
    int pairs = headDim / 2;
    int step = pairing == RopePairing.INTERLEAVED ? 2 : 1;
    int partner = pairing == RopePairing.INTERLEAVED ? 1 : pairs;
    forTokens(
        numTokens,
        numHeads * headDim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            for (int h = 0; h < numHeads; h++) {
              int at = offset + t * stride + h * headDim;
              rotate(x, at, step, partner, cos, sin, t * pairs, pairs);
            }
          }
        });
  }

  private static void rotate(
      float[] x, int at, int step, int partner, float[] cos, float[] sin, int table, int pairs) {
    for (int i = 0; i < pairs; i++) {
      int first = at + i * step;
      float a = x[first];
      float b = x[first + partner];
      x[first] = Math.fma(a, cos[table + i], -(b * sin[table + i]));
      x[first + partner] = Math.fma(a, sin[table + i], b * cos[table + i]);
    }
  }

  @Override
  public void storeKv(
      float[] x,
      int keyOffset,
      int valueOffset,
      int stride,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs) {
    int floats = 2 * layout.numKvHeads() * layout.headDim();
    for (int r = 0; r < runs.size(); r++) {
      KvRun run = runs.get(r);
      forTokens(
          run.numTokens(),
          floats,
          (from, to, worker) -> {
            for (int t = from; t < to; t++) {
              int row = (run.firstToken() + t) * stride;
              KvCodec.store(
                  x,
                  row + keyOffset,
                  row + valueOffset,
                  slab,
                  layout,
                  layer,
                  run,
                  run.startPosition() + t);
            }
          });
    }
  }

  @Override
  public void attention(
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
    attention.run(
        new AttentionCall(x, queryOffset, stride, numHeads, scale, window, slab, layout, layer),
        runs,
        out);
  }

  @Override
  public void swiGlu(float[] gateUp, float[] out, int numTokens, int dim) {
    forTokens(
        numTokens,
        dim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            math.swiGlu(gateUp, 2 * t * dim, (2 * t + 1) * dim, out, t * dim, dim);
          }
        });
  }

  @Override
  public void gelu(float[] x, int numElements) {
    forElements(numElements, (from, to, worker) -> math.gelu(x, from, to - from));
  }

  @Override
  public void addBias(float[] x, float[] bias, int numTokens, int dim) {
    forTokens(
        numTokens,
        dim,
        (from, to, worker) -> {
          for (int t = from; t < to; t++) {
            addArrays(x, t * dim, bias, 0, dim);
          }
        });
  }

  @Override
  public void add(float[] x, float[] delta, int numElements) {
    forElements(numElements, (from, to, worker) -> addArrays(x, from, delta, from, to - from));
  }

  private static void addArrays(float[] x, int offset, float[] delta, int deltaOffset, int length) {
    for (int i = 0; i < length; i++) {
      x[offset + i] += delta[deltaOffset + i];
    }
  }

  @Override
  public LogitsSummary summarize(float[] logits, int offset, int length) {
    return math.summarize(logits, offset, length);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    pool.close();
    memory.close();
  }

  private void forTokens(int numTokens, int floatsPerToken, WorkerPool.Task task) {
    pool.run(numTokens, serial(numTokens * floatsPerToken) ? numTokens : 1, task);
  }

  private void forElements(int numElements, WorkerPool.Task task) {
    pool.run(numElements, serial(numElements) ? numElements : GRAIN_ELEMENTS, task);
  }

  private static boolean serial(int floats) {
    return floats < SERIAL_FLOATS;
  }

  private static PackedPanels panels(PackedMatrix w) {
    if (w instanceof PackedPanels panels) {
      return panels;
    }
    throw new IllegalArgumentException("packed by another backend: " + w.getClass().getName());
  }
}
