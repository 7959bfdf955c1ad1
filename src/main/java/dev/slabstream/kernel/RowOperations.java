package dev.slabstream.kernel;

import dev.slabstream.kernel.WorkerPool.Task;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What lies between the products: operations on each row, or each element, by itself, see [Kernels]. Small ones run on the calling
/// thread alone.
///
/// Each operation is a task that is made once, so that a step allocates nothing. It finds its operands in the fields below: the
/// calling thread sets those that the operation needs, and [WorkerPool#run] makes them visible to the others.
final class RowOperations {
  /// An operation over fewer floats than this costs less than waking a worker.
  private static final int SERIAL_FLOATS = 8192;

  /// Elements that stay together where an operation is cut between elements.
  private static final int GRAIN_ELEMENTS = 1024;

  private final PanelMath math;
  private final WorkerPool pool;

  private final Task gather = this::gather;
  private final Task rmsNorm = this::rmsNorm;
  private final Task rmsNormHeads = this::rmsNormHeads;
  private final Task layerNorm = this::layerNorm;
  private final Task rope = this::rope;
  private final Task storeKv = this::storeKv;
  private final Task swiGlu = this::swiGlu;
  private final Task gelu = this::gelu;
  private final Task addBias = this::addBias;
  private final Task add = this::add;

  private static final float[] NONE = {};

  // Rows of the operation at hand, and how they are cut into heads.
  private float[] x = NONE;
  private float[] out = NONE;
  private int offset;
  private int stride;
  private int dim;
  private int numHeads;

  // What is applied to each row.
  private float[] weight = NONE;
  private float[] bias = NONE;
  private float eps;
  private float[] cos = NONE;
  private float[] sin = NONE;
  private RopePairing pairing = RopePairing.HALVES;

  // Where rows are gathered from.
  private @Nullable PackedPanels matrix;
  private int[] rows = {};

  // Where keys and values go.
  private @Nullable MemorySegment slab;
  private @Nullable KvLayout layout;
  private @Nullable KvRun run;
  private int layer;
  private int keyOffset;
  private int valueOffset;

  RowOperations(PanelMath math, WorkerPool pool) {
    this.math = math;
    this.pool = pool;
  }

  void gather(PackedPanels matrix, int[] rows, int numRows, float[] out) {
    this.matrix = matrix;
    this.rows = rows;
    this.out = out;
    forTokens(numRows, matrix.cols(), gather);
  }

  private void gather(int from, int to, int worker) {
    PackedPanels source = Objects.requireNonNull(matrix);
    for (int i = from; i < to; i++) {
      source.dequantizeRow(rows[i], out, i * source.cols());
    }
  }

  void rmsNorm(float[] x, float[] weight, float eps, float[] out, int numTokens, int dim) {
    this.x = x;
    this.weight = weight;
    this.eps = eps;
    this.out = out;
    this.dim = dim;
    forTokens(numTokens, dim, rmsNorm);
  }

  private void rmsNorm(int from, int to, int worker) {
    for (int t = from; t < to; t++) {
      math.rmsNorm(x, t * dim, weight, eps, out, t * dim, dim, worker);
    }
  }

  void rmsNormHeads(
      float[] x,
      int offset,
      int stride,
      float[] weight,
      float eps,
      int numTokens,
      int numHeads,
      int headDim) {
    setHeads(x, offset, stride, numHeads, headDim);
    this.weight = weight;
    this.eps = eps;
    forTokens(numTokens, numHeads * headDim, rmsNormHeads);
  }

  private void rmsNormHeads(int from, int to, int worker) {
    for (int t = from; t < to; t++) {
      for (int h = 0; h < numHeads; h++) {
        math.rmsNorm(x, head(t, h), weight, eps, x, head(t, h), dim, worker);
      }
    }
  }

  void layerNorm(
      float[] x, float[] weight, float[] bias, float eps, float[] out, int numTokens, int dim) {
    this.x = x;
    this.weight = weight;
    this.bias = bias;
    this.eps = eps;
    this.out = out;
    this.dim = dim;
    forTokens(numTokens, dim, layerNorm);
  }

  private void layerNorm(int from, int to, int worker) {
    for (int t = from; t < to; t++) {
      math.layerNorm(x, t * dim, weight, bias, eps, out, t * dim, dim, worker);
    }
  }

  void rope(
      float[] x,
      int offset,
      int stride,
      float[] cos,
      float[] sin,
      RopePairing pairing,
      int numTokens,
      int numHeads,
      int headDim) {
    setHeads(x, offset, stride, numHeads, headDim);
    this.cos = cos;
    this.sin = sin;
    this.pairing = pairing;
    forTokens(numTokens, numHeads * headDim, rope);
  }

  private void rope(int from, int to, int worker) {
    int pairs = dim / 2;
    int step = pairing == RopePairing.INTERLEAVED ? 2 : 1;
    int partner = pairing == RopePairing.INTERLEAVED ? 1 : pairs;
    for (int t = from; t < to; t++) {
      for (int h = 0; h < numHeads; h++) {
        rotate(x, head(t, h), step, partner, cos, sin, t * pairs, pairs);
      }
    }
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

  void storeKv(
      float[] x,
      int keyOffset,
      int valueOffset,
      int stride,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs) {
    this.x = x;
    this.keyOffset = keyOffset;
    this.valueOffset = valueOffset;
    this.stride = stride;
    this.slab = slab;
    this.layout = layout;
    this.layer = layer;
    for (int r = 0; r < runs.size(); r++) {
      run = runs.get(r);
      forTokens(run.numTokens(), 2 * layout.numKvHeads() * layout.headDim(), storeKv);
    }
  }

  private void storeKv(int from, int to, int worker) {
    MemorySegment slab = Objects.requireNonNull(this.slab);
    KvLayout layout = Objects.requireNonNull(this.layout);
    KvRun run = Objects.requireNonNull(this.run);
    for (int t = from; t < to; t++) {
      int row = (run.firstToken() + t) * stride;
      int position = run.startPosition() + t;
      KvCodec.store(x, row + keyOffset, row + valueOffset, slab, layout, layer, run, position);
    }
  }

  void swiGlu(float[] gateUp, float[] out, int numTokens, int dim) {
    this.x = gateUp;
    this.out = out;
    this.dim = dim;
    forTokens(numTokens, dim, swiGlu);
  }

  private void swiGlu(int from, int to, int worker) {
    for (int t = from; t < to; t++) {
      math.swiGlu(x, 2 * t * dim, (2 * t + 1) * dim, out, t * dim, dim);
    }
  }

  void gelu(float[] x, int numElements) {
    this.x = x;
    forElements(numElements, gelu);
  }

  private void gelu(int from, int to, int worker) {
    math.gelu(x, from, to - from);
  }

  void addBias(float[] x, float[] bias, int numTokens, int dim) {
    this.x = x;
    this.bias = bias;
    this.dim = dim;
    forTokens(numTokens, dim, addBias);
  }

  private void addBias(int from, int to, int worker) {
    for (int t = from; t < to; t++) {
      addArrays(x, t * dim, bias, 0, dim);
    }
  }

  /// `out += x`.
  void add(float[] out, float[] x, int numElements) {
    this.out = out;
    this.x = x;
    forElements(numElements, add);
  }

  private void add(int from, int to, int worker) {
    addArrays(out, from, x, from, to - from);
  }

  private static void addArrays(float[] x, int offset, float[] delta, int deltaOffset, int length) {
    for (int i = 0; i < length; i++) {
      x[offset + i] += delta[deltaOffset + i];
    }
  }

  private void setHeads(float[] x, int offset, int stride, int numHeads, int headDim) {
    this.x = x;
    this.offset = offset;
    this.stride = stride;
    this.numHeads = numHeads;
    this.dim = headDim;
  }

  private int head(int token, int head) {
    return offset + token * stride + head * dim;
  }

  private void forTokens(int numTokens, int floatsPerToken, Task task) {
    pool.run(numTokens, isSmall(numTokens * floatsPerToken) ? numTokens : 1, task);
  }

  private void forElements(int numElements, Task task) {
    pool.run(numElements, isSmall(numElements) ? numElements : GRAIN_ELEMENTS, task);
  }

  /// Whether an operation over so many floats had better stay on the calling thread.
  static boolean isSmall(int floats) {
    return floats < SERIAL_FLOATS;
  }
}
