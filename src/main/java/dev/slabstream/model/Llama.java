package dev.slabstream.model;

import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.kernel.RopePairing;
import dev.slabstream.model.WeightReader.Bias;
import dev.slabstream.model.WeightReader.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Llama (arXiv:2302.13971, arXiv:2407.21783) and Mistral (arXiv:2310.06825): RMS norms, rotary
/// positions, grouped heads, SwiGLU.
final class Llama {
  private Llama() {}

  static Weights read(ModelLoader.Source source, ModelConfig config) {
    // The rows of q and k in GGUF files of this architecture are permuted so that neighbours turn
    // together.
    RopePairing pairing = source.isGguf() ? RopePairing.INTERLEAVED : RopePairing.HALVES;
    return read(source, config, pairing, (reader) -> null);
  }

  /// What is particular to a member of the family, layer by layer.
  interface HeadNormsReader {
    SelfAttention.@Nullable HeadNorms read(WeightReader layer);
  }

  static Weights read(
      ModelLoader.Source source,
      ModelConfig config,
      RopePairing pairing,
      HeadNormsReader headNorms) {
    int dim = config.embeddingDim();
    Bias attentionBias = Bias.IF_PRESENT;
    Bias feedForwardBias = Bias.IF_PRESENT;
    if (!source.isGguf()) {
      attentionBias = source.flag("attention_bias", false) ? Bias.REQUIRED : Bias.NONE;
      feedForwardBias = source.flag("mlp_bias", false) ? Bias.REQUIRED : Bias.NONE;
    }
    WeightReader reader =
        source.reader(source.isGguf() ? TensorNames.GGUF : huggingFaceNames(source));
    PackedMatrix embedding = reader.matrix("token_embd", config.vocabSize(), dim);
    List<Weights.Layer> layers = new ArrayList<>();
    for (int l = 0; l < config.numLayers(); l++) {
      WeightReader layer = reader.layer(l);
      layers.add(
          new Weights.Layer(
              rmsNorm(layer, "attn_norm", config),
              attention(layer, config, l, attentionBias, pairing, headNorms.read(layer)),
              rmsNorm(layer, "ffn_norm", config),
              feedForward(layer, config, feedForwardBias)));
    }
    return new Weights(
        new TokenEmbedding(embedding, null),
        layers,
        rmsNorm(reader, "output_norm", config),
        source.head(reader, embedding, config));
  }

  private static Norm rmsNorm(WeightReader reader, String name, ModelConfig config) {
    return new Norm.Rms(reader.vector(name, config.embeddingDim()), config.normEps());
  }

  private static SelfAttention attention(
      WeightReader layer,
      ModelConfig config,
      int index,
      Bias bias,
      RopePairing pairing,
      SelfAttention.@Nullable HeadNorms headNorms) {
    int dim = config.embeddingDim();
    int queryDim = config.numHeads() * config.headDim();
    int keyDim = config.numKvHeads() * config.headDim();
    return new SelfAttention(
        layer.linear(
            dim,
            bias,
            new Part("attn_q", queryDim),
            new Part("attn_k", keyDim),
            new Part("attn_v", keyDim)),
        headNorms,
        pairing,
        layer.linear(queryDim, bias, new Part("attn_output", dim)),
        config.numHeads(),
        config.numKvHeads(),
        config.headDim(),
        config.windowOf(index));
  }

  private static FeedForward feedForward(WeightReader layer, ModelConfig config, Bias bias) {
    int dim = config.embeddingDim();
    int hidden = config.feedForwardDim();
    return new FeedForward.SwiGlu(
        layer.linear(dim, bias, new Part("ffn_gate", hidden), new Part("ffn_up", hidden)),
        layer.linear(hidden, bias, new Part("ffn_down", dim)));
  }

  private static TensorNames huggingFaceNames(ModelLoader.Source source) {
    // The bare model, without its head, is saved without the prefix.
    String prefix = source.hasTensor("embed_tokens.weight") ? "" : "model.";
    return new TensorNames(
        Map.ofEntries(
            Map.entry("token_embd", prefix + "embed_tokens"),
            Map.entry("output_norm", prefix + "norm"),
            Map.entry("output", "lm_head"),
            Map.entry("attn_norm", "input_layernorm"),
            Map.entry("attn_q", "self_attn.q_proj"),
            Map.entry("attn_k", "self_attn.k_proj"),
            Map.entry("attn_v", "self_attn.v_proj"),
            Map.entry("attn_q_norm", "self_attn.q_norm"),
            Map.entry("attn_k_norm", "self_attn.k_norm"),
            Map.entry("attn_output", "self_attn.o_proj"),
            Map.entry("ffn_norm", "post_attention_layernorm"),
            Map.entry("ffn_gate", "mlp.gate_proj"),
            Map.entry("ffn_up", "mlp.up_proj"),
            Map.entry("ffn_down", "mlp.down_proj")),
        prefix + "layers.",
        false);
  }
}
