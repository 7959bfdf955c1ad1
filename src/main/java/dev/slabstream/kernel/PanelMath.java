package dev.slabstream.kernel;

/// The arithmetic of one thread over arrays and panels: what the scalar and the vector backend each write in their own way, with
/// the same result to the bit. [PanelKernels] cuts the work into these pieces and gives them to threads; `worker` tells which
/// thread calls, for its scratch memory.
///
/// **Products** of an input row `x` and an output row of weights, each in one chain of fused multiply-adds:
///
/// - plain floats: `acc = fma(w[k], x[k], acc)` in the order of `k`;
/// - quantised, group by group: `s = fma(term[k], xt[k], s)` over the terms of the group, from 0; `acc = fma(d / 2^24, s, acc)`; when all
///   groups are through, and if the format has minima, `acc = fma(m, xsum, acc)` group by group, `xsum` being the group's sum of
///   inputs.
///
/// A term ([PackedPanels]) is a code and what hangs on: `2^24 (q[k] + q[k+1] / 2^8 + ...)` within its four fields. With inputs `xt[k] =
/// x[k] - x[k-1] / 2^8` ([Activations#termInputs]) the sum telescopes to that of `2^24 q[k] x[k]`: a code costs a shift and a conversion,
/// and no mask.
public interface PanelMath {
  /// sqrt(2 / pi)
  float GELU_SLOPE = 0.7978845608f;

  float GELU_CUBIC = 0.044715f;

  /// Takes from a group's scale what its terms are too large by.
  float TERM_SCALE = 0x1p-24f;

  int FMA_CHAINS = 10;
  float FMA_FACTOR = 0.5f;

  /// Width of a vector register in bits; 0 for none.
  int vectorBits();

  /// Tokens that one piece of a product takes at most.
  int blockTokens();

  /// Copies inputs `fromCol` to `toCol` of the tokens of one block, and what was derived from them, to the tiles of [Activations], if
  /// this backend reads them there. `fromCol` is a multiple of 32.
  void tile(Activations in, int firstToken, int numTokens, int fromCol, int toCol);

  /// Outputs of panel `panel` for the tokens of one block: writes `y[t, row]`, y `[numTokens, w.rows()]`.
  void matmul(
      PackedPanels w,
      int panel,
      Activations in,
      int firstToken,
      int numTokens,
      float[] y,
      int worker);

  /// One row of [Kernels#rmsNorm]: the squares are summed as [PartialSums] says, `out = x * (1 / sqrt(mean + eps)) * weight`.
  void rmsNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker);

  /// One row of [Kernels#layerNorm]: `out = fma((x - mean) * (1 / sqrt(var + eps)), weight, bias)`.
  void layerNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float[] bias,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker);

  /// Attention of consecutive tokens of a run, for the query heads that share `kvHead`, over the positions of one partition that
  /// each sees.
  ///
  /// Per query: `score = (chain of FMA over the head's dimensions) * (scale of the key * scale)`; `max`; `e = exp(score - max)`; `sum`
  /// of `e` in partial sums by position; values weighted with `e * scale of the value` by FMA in ascending positions. Keys and values
  /// are the slab's elements as [KvCodec] reads them. A query that sees nothing here has sum 0.
  ///
  /// @param firstToken first of the tokens, counted from the start of the run
  /// @param partials results `[numTokens][groupHeads][call.partialFloats()]` from `partialsOffset` on
  void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int partition,
      int firstToken,
      int numTokens,
      float[] partials,
      int partialsOffset,
      int worker);

  /// `out[i] = g / (1 + exp(-g)) * u` with `g = x[gateOffset + i]`, `u = x[upOffset + i]`.
  void swiGlu(float[] x, int gateOffset, int upOffset, float[] out, int outOffset, int numElements);

  /// `x / (1 + exp(-2 u))` with `u = sqrt(2 / pi) * (x + 0.044715 x^3)`, which is `0.5 x (1 + tanh(u))`.
  void gelu(float[] x, int offset, int numElements);

  /// A part of [Kernels#summarize]: the exponentials are summed as [PartialSums] says.
  void summarize(float[] logits, int offset, int length, LogitsChunk out, int worker);

  /// `steps` steps `acc = fma(acc, 0.5, 1)` of [#FMA_CHAINS] chains from 0, each of a vector's width, in registers alone: what
  /// [MachineLimits] times. Returns the sum of the chains, in one lane.
  float fmaChains(int steps);
}
