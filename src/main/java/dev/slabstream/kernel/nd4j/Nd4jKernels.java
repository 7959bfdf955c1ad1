package dev.slabstream.kernel.nd4j;

import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelInfo;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.kernel.RopePairing;
import dev.slabstream.tensor.JavaCppLimits;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/// Kernels out of ND4J operations: another road to the same numbers, for tests and for whoever mistrusts the first one.
///
/// Results agree with the other backends within a tolerance, not to the bit: OpenBLAS orders its sums by batch size and threads.
/// Weights are held as 32-bit floats. One operation costs 12 to 40 µs whatever its size, so this is no backend to serve with.
///
/// Called by one thread. [#close()] frees the weights.
public final class Nd4jKernels implements Kernels {
  private final KernelInfo info;
  private final Nd4jAttention attention = new Nd4jAttention();
  private long packedBytes;

  private Nd4jKernels(KernelInfo info) {
    this.info = info;
  }

  /// Starts ND4J, which takes some seconds the first time, with OpenBLAS on `threads` threads.
  public static Nd4jKernels open(int threads) {
    JavaCppLimits.lift();
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    return new Nd4jKernels(
        new KernelInfo(KernelBackend.ND4J, 0, threads, false, "asked for by the settings"));
  }

  @Override
  public KernelInfo info() {
    return info;
  }

  @Override
  public PackedMatrix pack(List<Tensor> weights) {
    PackedMatrix matrix = DenseMatrix.of(weights);
    packedBytes += matrix.packedBytes();
    return matrix;
  }

  @Override
  public long packedBytes() {
    return packedBytes;
  }

  @Override
  public void matmul(PackedMatrix w, float[] x, float[] y, int numTokens) {
    DenseMatrix dense = (DenseMatrix) w;
    try (INDArray input = rows(x, numTokens, w.cols());
        INDArray output = input.mmul(dense.transposed())) {
      store(output, y, 0);
    }
  }

  @Override
  public void gatherRows(PackedMatrix w, int[] rows, int numRows, float[] out) {
    DenseMatrix dense = (DenseMatrix) w;
    for (int i = 0; i < numRows; i++) {
      store(dense.row(rows[i]), out, i * w.cols());
    }
  }

  @Override
  public void rmsNorm(float[] x, float[] weight, float eps, float[] out, int numTokens, int dim) {
    try (INDArray input = rows(x, numTokens, dim);
        INDArray scale = vector(weight, dim)) {
      store(rmsNorm(input, scale, eps), out, 0);
    }
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
    try (INDArray scale = vector(weight, headDim)) {
      for (int t = 0; t < numTokens; t++) {
        int start = offset + t * stride;
        float[] heads = Arrays.copyOfRange(x, start, start + numHeads * headDim);
        try (INDArray input = rows(heads, numHeads, headDim)) {
          store(rmsNorm(input, scale, eps), x, start);
        }
      }
    }
  }

  private static INDArray rmsNorm(INDArray input, INDArray scale, float eps) {
    INDArray rms = Transforms.sqrt(input.mul(input).mean(true, 1).addi(eps), false);
    return input.divColumnVector(rms).muliRowVector(scale);
  }

  @Override
  public void layerNorm(
      float[] x, float[] weight, float[] bias, float eps, float[] out, int numTokens, int dim) {
    try (INDArray input = rows(x, numTokens, dim);
        INDArray scale = vector(weight, dim);
        INDArray shift = vector(bias, dim)) {
      INDArray centred = input.subColumnVector(input.mean(true, 1));
      INDArray deviation = Transforms.sqrt(centred.mul(centred).mean(true, 1).addi(eps), false);
      store(centred.diviColumnVector(deviation).muliRowVector(scale).addiRowVector(shift), out, 0);
    }
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
    int half = headDim / 2;
    // The rotation is a dozen flops an element pair: not worth one ND4J operation per head.
    for (int t = 0; t < numTokens; t++) {
      for (int h = 0; h < numHeads; h++) {
        int head = offset + t * stride + h * headDim;
        for (int i = 0; i < half; i++) {
          int a = head + (pairing == RopePairing.INTERLEAVED ? 2 * i : i);
          int b = head + (pairing == RopePairing.INTERLEAVED ? 2 * i + 1 : i + half);
          double c = cos[t * half + i];
          double s = sin[t * half + i];
          double xa = x[a];
          double xb = x[b];
          x[a] = (float) (xa * c - xb * s);
          x[b] = (float) (xa * s + xb * c);
        }
      }
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
    attention.storeKv(x, keyOffset, valueOffset, stride, slab, layout, layer, runs);
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
    attention.attend(
        x, queryOffset, stride, numHeads, scale, window, slab, layout, layer, runs, out);
  }

  @Override
  public void swiGlu(float[] gateUp, float[] out, int numTokens, int dim) {
    try (INDArray both = rows(gateUp, numTokens, 2 * dim)) {
      float[] flat = both.data().asFloat();
      float[] gates = new float[numTokens * dim];
      float[] ups = new float[numTokens * dim];
      for (int t = 0; t < numTokens; t++) {
        System.arraycopy(flat, 2 * t * dim, gates, t * dim, dim);
        System.arraycopy(flat, (2 * t + 1) * dim, ups, t * dim, dim);
      }
      try (INDArray gate = rows(gates, numTokens, dim);
          INDArray up = rows(ups, numTokens, dim)) {
        store(Transforms.sigmoid(gate, true).muli(gate).muli(up), out, 0);
      }
    }
  }

  @Override
  public void gelu(float[] x, int numElements) {
    try (INDArray input = vector(x, numElements)) {
      INDArray cubic = input.mul(input).muli(input).muli(0.044715).addi(input);
      INDArray tanh = Transforms.tanh(cubic.muli(Math.sqrt(2 / Math.PI)), false);
      store(tanh.addi(1).muli(input).muli(0.5), x, 0);
    }
  }

  @Override
  public void addBias(float[] x, float[] bias, int numTokens, int dim) {
    try (INDArray input = rows(x, numTokens, dim);
        INDArray shift = vector(bias, dim)) {
      store(input.addiRowVector(shift), x, 0);
    }
  }

  @Override
  public void add(float[] x, float[] delta, int numElements) {
    try (INDArray sum = vector(x, numElements);
        INDArray other = vector(delta, numElements)) {
      store(sum.addi(other), x, 0);
    }
  }

  @Override
  public LogitsSummary summarize(float[] logits, int offset, int length) {
    float max = Float.NEGATIVE_INFINITY;
    int argmax = 0;
    for (int i = 0; i < length; i++) {
      float logit = logits[offset + i];
      if (!Float.isFinite(logit)) {
        return new LogitsSummary(Float.NaN, 0, Float.NaN, false);
      }
      if (logit > max) {
        max = logit;
        argmax = i;
      }
    }
    try (INDArray row = vector(Arrays.copyOfRange(logits, offset, offset + length), length)) {
      double sum = Transforms.exp(row.subi(max), false).sumNumber().doubleValue();
      return new LogitsSummary(max, argmax, (float) (max + StrictMath.log(sum)), true);
    }
  }

  @Override
  public void close() {
    // ND4J frees an array with its last reference.
  }

  static INDArray rows(float[] values, int numRows, int numCols) {
    float[] exact =
        values.length == numRows * numCols ? values : Arrays.copyOf(values, numRows * numCols);
    return Nd4j.createFromArray(exact).reshape('c', numRows, numCols);
  }

  static INDArray vector(float[] values, int length) {
    return Nd4j.createFromArray(values.length == length ? values : Arrays.copyOf(values, length));
  }

  static void store(INDArray array, float[] out, int offset) {
    float[] values = array.dup('c').data().asFloat();
    System.arraycopy(values, 0, out, offset, values.length);
  }
}
