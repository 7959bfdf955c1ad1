package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// The arithmetic of a decoder-only transformer, over activations in `float[]` and packed weights.
///
/// Activations are row-major, one row a token: `[numTokens, dim]`. A method that takes `offset` and `stride` works on a part of
/// wider rows: the part of token `t` starts at `offset + t * stride`. Arrays may be longer than needed; what lies beyond is not touched.
///
/// **Determinism.** `scalar` and `vector` compute each output element by one written order of operations, whatever the number of
/// tokens, the threads and the vector width: their results are equal bit for bit (architecture, "Same request, same bytes").
///
/// **Threads.** One thread calls (the engine's); an operation may use the workers and returns when all of it is done.
/// The packed weights live until [#close()].
public interface Kernels extends AutoCloseable {
  /// Starts the workers of the backend that the settings name, and logs which one runs and why.
  ///
  /// @throws IllegalStateException when the backend or the vector width cannot be had in this JVM
  static Kernels open(KernelSettings settings) {
    return KernelChoice.open(settings);
  }

  KernelInfo info();

  /// Repacks weight matrices that share their input into one matrix whose outputs follow each other: q, k and v, or gate and up.
  /// All have the same `cols`; types may differ.
  ///
  /// @throws NonFiniteWeightException when a scale or a weight is NaN or infinite
  PackedMatrix pack(List<Tensor> weights);

  /// Bytes of all weights that were packed so far.
  long packedBytes();

  /// `y[t] = W x[t]`: x `[numTokens, w.cols()]`, y `[numTokens, w.rows()]`.
  void matmul(PackedMatrix w, float[] x, float[] y, int numTokens);

  /// Writes row `rows[i]` of `w`, dequantised, to `out[i]`: out `[numRows, w.cols()]`. The embedding look-up.
  void gatherRows(PackedMatrix w, int[] rows, int numRows, float[] out);

  /// `out[t] = x[t] / sqrt(mean(x[t]^2) + eps) * weight` (Zhang and Sennrich, arXiv:1910.07467); `out` may be `x`.
  void rmsNorm(float[] x, float[] weight, float eps, float[] out, int numTokens, int dim);

  /// RMS norm of each head in place, before the rotation (Qwen3): `numHeads` heads of `headDim` lie side by side at `offset`.
  void rmsNormHeads(
      float[] x,
      int offset,
      int stride,
      float[] weight,
      float eps,
      int numTokens,
      int numHeads,
      int headDim);

  /// `out[t] = (x[t] - mean) / sqrt(var + eps) * weight + bias` (Ba et al., arXiv:1607.06450); `out` may be `x`.
  void layerNorm(
      float[] x, float[] weight, float[] bias, float eps, float[] out, int numTokens, int dim);

  /// Rotates `numHeads` heads in place; `cos` and `sin` are `[numTokens, headDim / 2]`, the rows of the tokens' positions.
  void rope(
      float[] x,
      int offset,
      int stride,
      float[] cos,
      float[] sin,
      RopePairing pairing,
      int numTokens,
      int numHeads,
      int headDim);

  /// Writes keys (at `keyOffset` of each row of `x`, `[numKvHeads, headDim]`) and values (at `valueOffset`) to their blocks.
  void storeKv(
      float[] x,
      int keyOffset,
      int valueOffset,
      int stride,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs);

  /// Causal attention over the slab, grouped heads (Ainslie et al., arXiv:2305.13245): the query of position `p` sees positions
  /// `max(0, p - window + 1) .. p`, `window` 0 = all. Keys and values of the batch's own tokens are in the slab already.
  /// Positions outside are never read, so stale numbers, NaN included, do no harm.
  ///
  /// @param x queries at `queryOffset` of each row, `[numHeads, headDim]`
  /// @param out `[numTokens, numHeads * headDim]`
  void attention(
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
      float[] out);

  /// `out[t, i] = silu(gateUp[t, i]) * gateUp[t, dim + i]` (Shazeer, arXiv:2002.05202): gateUp `[numTokens, 2 * dim]`.
  void swiGlu(float[] gateUp, float[] out, int numTokens, int dim);

  /// GELU by its tanh form, in place (Hendrycks and Gimpel, arXiv:1606.08415), as GPT-2 has it.
  void gelu(float[] x, int numElements);

  /// `x[t] += bias`.
  void addBias(float[] x, float[] bias, int numTokens, int dim);

  /// `x += delta`: the residual stream.
  void add(float[] x, float[] delta, int numElements);

  /// The largest value, the place of its first occurrence, log(sum(exp)), and whether all are finite.
  LogitsSummary summarize(float[] logits, int offset, int length);

  /// Ends the workers and frees the packed weights.
  @Override
  void close();

  /// @param max the largest logit
  /// @param argmax its lowest index
  /// @param logSumExp natural logarithm of the sum of exp(logit)
  /// @param finite false when any logit is NaN or infinite; the other parts mean nothing then
  record LogitsSummary(float max, int argmax, float logSumExp, boolean finite) {}
}
