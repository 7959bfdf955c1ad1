package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.RopePairing;
import org.jspecify.annotations.Nullable;

/// The block in which a token looks at those before it (arXiv:1706.03762), with grouped heads
/// (arXiv:2305.13245).
///
/// A row of `qkv` activations is `[numHeads, headDim]` of queries, then `[numKvHeads, headDim]` of
/// keys, then as many values.
///
/// @param qkv `[(numHeads + 2 * numKvHeads) * headDim, embeddingDim]`
/// @param headNorms Qwen3 normalises the heads of queries and keys, or null
/// @param rotation which elements are rotated together, or null where positions are learned (GPT-2)
/// @param output `[embeddingDim, numHeads * headDim]`
/// @param window positions that a query sees, itself included; 0 = all
record SelfAttention(
    Linear qkv,
    @Nullable HeadNorms headNorms,
    @Nullable RopePairing rotation,
    Linear output,
    int numHeads,
    int numKvHeads,
    int headDim,
    int window) {

  /// @param query `[headDim]`
  /// @param key `[headDim]`
  record HeadNorms(float[] query, float[] key, float eps) {}

  /// x `[numTokens, embeddingDim]` → queries, keys and values in `scratch.qkv`, normalised and
  /// rotated.
  void project(Kernels kernels, float[] x, Activations scratch, int numTokens) {
    qkv.apply(kernels, x, scratch.qkv, numTokens);
    if (headNorms != null) {
      float eps = headNorms.eps;
      kernels.rmsNormHeads(
          scratch.qkv, 0, stride(), headNorms.query, eps, numTokens, numHeads, headDim);
      kernels.rmsNormHeads(
          scratch.qkv, keyOffset(), stride(), headNorms.key, eps, numTokens, numKvHeads, headDim);
    }
    if (rotation != null) {
      // Queries and keys lie side by side and turn alike.
      kernels.rope(
          scratch.qkv,
          0,
          stride(),
          scratch.cos,
          scratch.sin,
          rotation,
          numTokens,
          numHeads + numKvHeads,
          headDim);
    }
  }

  /// Writes the keys and values of the batch to the slab, where its queries find them beside those
  /// from before.
  void store(Kernels kernels, Activations scratch, Batch batch, int layer) {
    kernels.storeKv(
        scratch.qkv,
        keyOffset(),
        valueOffset(),
        stride(),
        batch.slab(),
        batch.layout(),
        layer,
        batch.runs());
  }

  /// What the queries in `scratch.qkv` see → out `[numTokens, embeddingDim]`.
  void attend(
      Kernels kernels, float[] out, Activations scratch, Batch batch, int layer, int numTokens) {
    float scale = (float) (1 / StrictMath.sqrt(headDim));
    kernels.attention(
        scratch.qkv,
        0,
        stride(),
        numHeads,
        scale,
        window,
        batch.slab(),
        batch.layout(),
        layer,
        batch.runs(),
        scratch.attended);
    output.apply(kernels, scratch.attended, out, numTokens);
  }

  private int stride() {
    return (numHeads + 2 * numKvHeads) * headDim;
  }

  private int keyOffset() {
    return numHeads * headDim;
  }

  private int valueOffset() {
    return (numHeads + numKvHeads) * headDim;
  }
}
