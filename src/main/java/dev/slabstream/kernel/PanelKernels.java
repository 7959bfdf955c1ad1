package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Kernels over [PackedPanels]: owns the packed weights and the workers. [MatrixProduct], [RowOperations], [Attention]
/// and [LogitsReduction] cut the operations into pieces for the workers, and leave the arithmetic of a piece to a [PanelMath].
final class PanelKernels implements Kernels {
  private final KernelInfo info;
  private final WorkerPool pool;
  private final WeightMemory memory = new WeightMemory();
  private final MatrixProduct product;
  private final RowOperations rows;
  private final LogitsReduction reduction;
  private final Attention attention;
  private boolean closed;

  PanelKernels(KernelInfo info, PanelMath math) {
    this(info, math, Attention.MAX_SLOT_FLOATS);
  }

  /// As above, with a bound of its own on the memory that attention takes for partitions computed apart.
  PanelKernels(KernelInfo info, PanelMath math, long maxSlotFloats) {
    this.info = info;
    this.pool = new WorkerPool(info.threads());
    this.product = new MatrixProduct(math, pool);
    this.rows = new RowOperations(math, pool);
    this.reduction = new LogitsReduction(math, pool);
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
  public long packedBytes() {
    return memory.allocatedBytes();
  }

  @Override
  public void matmul(PackedMatrix w, float[] x, float[] y, int numTokens) {
    product.run(panels(w), x, y, numTokens);
  }

  @Override
  public void gatherRows(PackedMatrix w, int[] rows, int numRows, float[] out) {
    this.rows.gather(panels(w), rows, numRows, out);
  }

  @Override
  public void rmsNorm(float[] x, float[] weight, float eps, float[] out, int numTokens, int dim) {
    rows.rmsNorm(x, weight, eps, out, numTokens, dim);
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
    rows.rmsNormHeads(x, offset, stride, weight, eps, numTokens, numHeads, headDim);
  }

  @Override
  public void layerNorm(
      float[] x, float[] weight, float[] bias, float eps, float[] out, int numTokens, int dim) {
    rows.layerNorm(x, weight, bias, eps, out, numTokens, dim);
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
    rows.rope(x, offset, stride, cos, sin, pairing, numTokens, numHeads, headDim);
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
    rows.storeKv(x, keyOffset, valueOffset, stride, slab, layout, layer, runs);
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
    attention.run(x, queryOffset, stride, numHeads, scale, window, slab, layout, layer, runs, out);
  }

  @Override
  public void swiGlu(float[] gateUp, float[] out, int numTokens, int dim) {
    rows.swiGlu(gateUp, out, numTokens, dim);
  }

  @Override
  public void gelu(float[] x, int numElements) {
    rows.gelu(x, numElements);
  }

  @Override
  public void addBias(float[] x, float[] bias, int numTokens, int dim) {
    rows.addBias(x, bias, numTokens, dim);
  }

  @Override
  public void add(float[] x, float[] delta, int numElements) {
    rows.add(x, delta, numElements);
  }

  @Override
  public LogitsSummary summarize(float[] logits, int offset, int length) {
    return reduction.run(logits, offset, length);
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

  private static PackedPanels panels(PackedMatrix w) {
    if (w instanceof PackedPanels panels) {
      return panels;
    }
    throw new IllegalArgumentException("packed by another backend: " + w.getClass().getName());
  }
}
