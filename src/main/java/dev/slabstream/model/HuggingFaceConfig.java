package dev.slabstream.model;

import dev.slabstream.model.ModelConfig.Architecture;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.Metadata;
import java.util.List;

/// Reads `config.json` of a Hugging Face folder. What a key means, and what its absence means, is
/// as in the configuration classes of transformers (`GPT2Config`, `LlamaConfig`, `MistralConfig`,
/// `Qwen3Config`).
final class HuggingFaceConfig {
  private static final ConfigLimits.Keys LLAMA_KEYS =
      new ConfigLimits.Keys(
          "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim");

  private final Checkpoint checkpoint;
  private final Metadata config;

  private HuggingFaceConfig(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.config = checkpoint.metadata();
  }

  static ModelConfig read(Checkpoint checkpoint) {
    HuggingFaceConfig reader = new HuggingFaceConfig(checkpoint);
    String type = reader.config.requireString("model_type");
    return switch (type) {
      case "gpt2" -> reader.gpt2();
      case "llama" -> reader.llama(Architecture.LLAMA, Window.NONE);
      case "mistral" -> reader.llama(Architecture.LLAMA, Window.ALL_LAYERS);
      case "qwen3" -> reader.llama(Architecture.QWEN3, Window.UPPER_LAYERS);
      default -> throw reader.config.unexpected("model_type", "one of gpt2, llama, mistral, qwen3");
    };
  }

  private enum Window {
    /// The family has none, whatever the file says.
    NONE,
    /// `sliding_window`, unless it is null.
    ALL_LAYERS,
    /// `sliding_window` where `use_sliding_window` is true, from `max_window_layers` on.
    UPPER_LAYERS
  }

  private ModelConfig gpt2() {
    requireOneOf("activation_function", "gelu_new", List.of("gelu_new", "gelu_pytorch_tanh"));
    refuse("scale_attn_weights", false, true);
    refuse("scale_attn_by_inverse_layer_idx", true, false);
    refuse("add_cross_attention", true, false);
    int embeddingDim = config.requireInt("n_embd", 1, ConfigLimits.EMBEDDING_DIM);
    int numHeads = config.requireInt("n_head", 1, ConfigLimits.HEADS);
    // GPT-2 has as many kv heads as heads, and no key for the dimension of one.
    ConfigLimits.Keys keys = new ConfigLimits.Keys("n_embd", "n_head", "n_head", "head_dim");
    int headDim = ConfigLimits.headDim(config, keys, embeddingDim, numHeads, numHeads);
    String context = config.has("n_positions") ? "n_positions" : "n_ctx";
    return new ModelConfig(
        Architecture.GPT2,
        name(),
        config.requireInt("n_layer", 1, ConfigLimits.LAYERS),
        embeddingDim,
        numHeads,
        numHeads,
        headDim,
        optionalInt("n_inner", ConfigLimits.FEED_FORWARD_DIM, 4 * embeddingDim),
        config.requireInt("vocab_size", 1, ConfigLimits.VOCAB),
        config.requireInt(context, 1, ConfigLimits.CONTEXT),
        ConfigLimits.positiveFloat(config, "layer_norm_epsilon", 1e-5),
        0,
        new float[0],
        0,
        0);
  }

  private ModelConfig llama(Architecture architecture, Window window) {
    requireOneOf("hidden_act", "silu", List.of("silu", "swish"));
    int embeddingDim = config.requireInt("hidden_size", 1, ConfigLimits.EMBEDDING_DIM);
    int numHeads = config.requireInt("num_attention_heads", 1, ConfigLimits.HEADS);
    int numKvHeads = optionalInt("num_key_value_heads", ConfigLimits.HEADS, numHeads);
    int headDim = ConfigLimits.headDim(config, LLAMA_KEYS, embeddingDim, numHeads, numKvHeads);
    int numLayers = config.requireInt("num_hidden_layers", 1, ConfigLimits.LAYERS);
    int contextLength = config.requireInt("max_position_embeddings", 1, ConfigLimits.CONTEXT);
    float theta = ropeTheta();
    int slidingWindow = slidingWindow(window);
    int windowedFrom = windowedFromLayer(window, slidingWindow, numLayers);
    // A window over the whole context hides nothing, and a cache without one is simpler.
    boolean windowed = windowedFrom < numLayers && slidingWindow < contextLength;
    return new ModelConfig(
        architecture,
        name(),
        numLayers,
        embeddingDim,
        numHeads,
        numKvHeads,
        headDim,
        config.requireInt("intermediate_size", 1, ConfigLimits.FEED_FORWARD_DIM),
        config.requireInt("vocab_size", 1, ConfigLimits.VOCAB),
        contextLength,
        ConfigLimits.requirePositiveFloat(config, "rms_norm_eps"),
        theta,
        ropeScaling(headDim, theta, contextLength),
        windowed ? slidingWindow : 0,
        windowed ? windowedFrom : 0);
  }

  private int slidingWindow(Window window) {
    boolean used =
        switch (window) {
          case NONE -> false;
          case ALL_LAYERS -> true;
          case UPPER_LAYERS -> config.optionalBoolean("use_sliding_window").orElse(false);
        };
    return used ? optionalInt("sliding_window", Integer.MAX_VALUE, 0) : 0;
  }

  /// The first layer that has a window; `numLayers` when none has.
  private int windowedFromLayer(Window window, int slidingWindow, int numLayers) {
    List<String> layerTypes = config.strings("layer_types").orElse(List.of());
    if (window == Window.NONE) {
      return numLayers;
    }
    if (!layerTypes.isEmpty()) {
      return windowedFromLayer(layerTypes, slidingWindow, numLayers);
    }
    if (slidingWindow == 0) {
      return numLayers;
    }
    return window == Window.ALL_LAYERS
        ? 0
        : config.optionalLong("max_window_layers", 0, Integer.MAX_VALUE).orElse(28L).intValue();
  }

  /// Newer transformers list the kind of every layer.
  private int windowedFromLayer(List<String> layerTypes, int slidingWindow, int numLayers) {
    if (layerTypes.size() != numLayers) {
      throw config.unexpected("layer_types", "one for each of " + numLayers + " layers");
    }
    int from = layerTypes.indexOf("sliding_attention");
    from = from < 0 ? numLayers : from;
    for (int layer = 0; layer < numLayers; layer++) {
      if (!layerTypes.get(layer).equals(layer < from ? "full_attention" : "sliding_attention")) {
        throw config.unexpected(
            "layer_types",
            "full_attention in the lower layers and sliding_attention in those above");
      }
    }
    if (from < numLayers && slidingWindow == 0) {
      throw config.unexpected(
          "sliding_window",
          "a window in use, as layer_types names layers that have sliding_attention");
    }
    return from;
  }

  private float ropeTheta() {
    String newer = "rope_parameters.rope_theta";
    return ConfigLimits.positiveFloat(
        config, config.has(newer) ? newer : "rope_theta", RopeScaling.DEFAULT_THETA);
  }

  private float[] ropeScaling(int headDim, float theta, int contextLength) {
    String rope = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    for (String kind : List.of(".full_attention", ".sliding_attention")) {
      if (config.has(rope + kind)) {
        throw config.unexpected(rope + kind, "one rotation for all layers");
      }
    }
    for (String key : List.of("partial_rotary_factor", rope + ".partial_rotary_factor")) {
      if (config.optionalDouble(key).orElse(1.0) != 1) {
        throw config.unexpected(key, "1 or absent, as a partial rotation is not supported");
      }
    }
    String typeKey = config.has(rope + ".rope_type") ? rope + ".rope_type" : rope + ".type";
    return switch (config.string(typeKey).orElse("default")) {
      case "default" -> new float[0];
      case "linear" ->
          RopeScaling.linear(headDim, ConfigLimits.requirePositiveFloat(config, rope + ".factor"));
      case "llama3" -> {
        float factor = ConfigLimits.requirePositiveFloat(config, rope + ".factor");
        float low = ConfigLimits.requirePositiveFloat(config, rope + ".low_freq_factor");
        float high = ConfigLimits.requirePositiveFloat(config, rope + ".high_freq_factor");
        if (high <= low) {
          throw config.unexpected(
              rope + ".high_freq_factor", "more than low_freq_factor, which is " + low);
        }
        int original =
            optionalInt(
                rope + ".original_max_position_embeddings", ConfigLimits.CONTEXT, contextLength);
        yield RopeScaling.llama3(headDim, theta, factor, low, high, original);
      }
      default -> throw config.unexpected(typeKey, "default, linear or llama3");
    };
  }

  private String name() {
    return String.valueOf(checkpoint.path().toAbsolutePath().normalize().getFileName());
  }

  private void requireOneOf(String key, String fallback, List<String> supported) {
    if (!supported.contains(config.string(key).orElse(fallback))) {
      throw config.unexpected(key, "one of " + String.join(", ", supported));
    }
  }

  private void refuse(String key, boolean unsupported, boolean fallback) {
    if (config.optionalBoolean(key).orElse(fallback) == unsupported) {
      throw config.unexpected(key, !unsupported + ", as the other is not supported");
    }
  }

  private int optionalInt(String key, int max, int fallback) {
    return config.optionalLong(key, 1, max).orElse((long) fallback).intValue();
  }
}
