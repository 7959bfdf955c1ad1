package dev.slabstream.model;

import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.model.WeightReader.Bias;
import dev.slabstream.model.WeightReader.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// GPT-2 (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019): layer
/// norms, learned positions, GELU, biases everywhere.
final class Gpt2 {
  private Gpt2() {}

  static Weights read(ModelLoader.Source source, ModelConfig config) {
    int dim = config.embeddingDim();
    WeightReader reader =
        source.reader(source.isGguf() ? TensorNames.GGUF : huggingFaceNames(source));
    PackedMatrix embedding = reader.matrix("token_embd", config.vocabSize(), dim);
    PackedMatrix positions = reader.matrix("position_embd", config.contextLength(), dim);
    List<Weights.Layer> layers = new ArrayList<>();
    for (int l = 0; l < config.numLayers(); l++) {
      WeightReader layer = reader.layer(l);
      layers.add(
          new Weights.Layer(
              layerNorm(layer, "attn_norm", config),
              attention(layer, config),
              layerNorm(layer, "ffn_norm", config),
              feedForward(layer, config)));
    }
    return new Weights(
        new TokenEmbedding(embedding, positions),
        layers,
        layerNorm(reader, "output_norm", config),
        source.head(reader, embedding, config));
  }

  private static Norm layerNorm(WeightReader reader, String name, ModelConfig config) {
    int dim = config.embeddingDim();
    return new Norm.MeanAndVariance(
        reader.vector(name, dim), reader.bias(name, dim), config.normEps());
  }

  private static SelfAttention attention(WeightReader layer, ModelConfig config) {
    int dim = config.embeddingDim();
    return new SelfAttention(
        layer.linear(dim, Bias.REQUIRED, new Part("attn_qkv", config.qkvDim())),
        null,
        null,
        layer.linear(
            config.numHeads() * config.headDim(), Bias.REQUIRED, new Part("attn_output", dim)),
        config.numHeads(),
        config.numKvHeads(),
        config.headDim(),
        0);
  }

  private static FeedForward feedForward(WeightReader layer, ModelConfig config) {
    int dim = config.embeddingDim();
    int hidden = config.feedForwardDim();
    return new FeedForward.GeluMlp(
        layer.linear(dim, Bias.REQUIRED, new Part("ffn_up", hidden)),
        layer.linear(hidden, Bias.REQUIRED, new Part("ffn_down", dim)));
  }

  private static TensorNames huggingFaceNames(ModelLoader.Source source) {
    String prefix = source.hasTensor("wte.weight") ? "" : "transformer.";
    return new TensorNames(
        Map.of(
            "token_embd", prefix + "wte",
            "position_embd", prefix + "wpe",
            "output_norm", prefix + "ln_f",
            "output", "lm_head",
            "attn_norm", "ln_1",
            "attn_qkv", "attn.c_attn",
            "attn_output", "attn.c_proj",
            "ffn_norm", "ln_2",
            "ffn_up", "mlp.c_fc",
            "ffn_down", "mlp.c_proj"),
        prefix + "h.",
        true);
  }
}
