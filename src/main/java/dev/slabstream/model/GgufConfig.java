package dev.slabstream.model;

import dev.slabstream.model.ModelConfig.Architecture;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import dev.slabstream.weights.Metadata;
import java.util.List;

/// Reads the configuration from the key-value pairs of a GGUF file
/// (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>).
final class GgufConfig {
  /// Keys of other members of these families that change the arithmetic. A file that sets one would
  /// be computed wrongly.
  private static final List<String> UNSUPPORTED_NUMBERS =
      List.of(
          "expert_count",
          "attention.sliding_window",
          "attention.max_alibi_bias",
          "attention.clamp_kqv",
          "attention.scale",
          "attn_logit_softcapping",
          "final_logit_softcapping",
          "logit_scale",
          "embedding_scale",
          "residual_scale");

  private final Checkpoint checkpoint;
  private final Metadata metadata;
  private final String prefix;

  private GgufConfig(Checkpoint checkpoint, String prefix) {
    this.checkpoint = checkpoint;
    this.metadata = checkpoint.metadata();
    this.prefix = prefix;
  }

  static ModelConfig read(Checkpoint checkpoint) {
    Metadata metadata = checkpoint.metadata();
    String name = metadata.requireString("general.architecture");
    Architecture architecture =
        switch (name) {
          case "gpt2" -> Architecture.GPT2;
          case "llama" -> Architecture.LLAMA;
          case "qwen3" -> Architecture.QWEN3;
          default -> throw metadata.unexpected("general.architecture", "one of gpt2, llama, qwen3");
        };
    return new GgufConfig(checkpoint, name).read(architecture);
  }

  private ModelConfig read(Architecture architecture) {
    refuseUnsupported();
    int embeddingDim = integer("embedding_length", ConfigLimits.EMBEDDING_DIM);
    int numHeads = integer("attention.head_count", ConfigLimits.HEADS);
    int numKvHeads = integer("attention.head_count_kv", ConfigLimits.HEADS, numHeads);
    boolean rotary = architecture != Architecture.GPT2;
    int headDim = headDim(embeddingDim, numHeads, numKvHeads, rotary);
    return new ModelConfig(
        architecture,
        metadata.string("general.name").orElse(String.valueOf(checkpoint.path().getFileName())),
        integer("block_count", ConfigLimits.LAYERS),
        embeddingDim,
        numHeads,
        numKvHeads,
        headDim,
        integer("feed_forward_length", ConfigLimits.FEED_FORWARD_DIM),
        vocabSize(),
        integer("context_length", ConfigLimits.CONTEXT),
        ConfigLimits.requirePositiveFloat(
            metadata,
            key(rotary ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon")),
        rotary
            ? ConfigLimits.positiveFloat(metadata, key("rope.freq_base"), RopeScaling.DEFAULT_THETA)
            : 0,
        rotary ? ropeScaling(headDim) : new float[0],
        0,
        0);
  }

  private void refuseUnsupported() {
    for (String suffix : UNSUPPORTED_NUMBERS) {
      if (metadata.has(key(suffix)) && metadata.requireDouble(key(suffix)) != 0) {
        throw metadata.unexpected(key(suffix), "0 or absent, as this feature is not supported");
      }
    }
    if (!metadata.optionalBoolean(key("attention.causal")).orElse(true)) {
      throw metadata.unexpected(key("attention.causal"), "true, as only decoders are supported");
    }
  }

  private int headDim(int embeddingDim, int numHeads, int numKvHeads, boolean rotary) {
    ConfigLimits.Keys keys =
        new ConfigLimits.Keys(
            key("embedding_length"),
            key("attention.head_count"),
            key("attention.head_count_kv"),
            key("attention.key_length"));
    int headDim = ConfigLimits.headDim(metadata, keys, embeddingDim, numHeads, numKvHeads);
    requireEqual("attention.value_length", headDim, "the dimension of the keys");
    if (rotary) {
      requireEqual(
          "rope.dimension_count",
          headDim,
          "the dimension of a head, as a partial rotation is not supported");
    }
    return headDim;
  }

  private void requireEqual(String suffix, int value, String meaning) {
    if (integer(suffix, ConfigLimits.HEAD_DIM, value) != value) {
      throw metadata.unexpected(key(suffix), value + ", " + meaning);
    }
  }

  /// The embedding decides: files pad it, and not all state the number.
  private int vocabSize() {
    Tensor embedding = tensor("token_embd.weight");
    if (embedding.rows() > ConfigLimits.VOCAB) {
      throw new MalformedModelException(
          checkpoint.path(),
          "tensor " + embedding.name(),
          "at most " + ConfigLimits.VOCAB + " rows",
          embedding.rows() + "");
    }
    int rows = (int) embedding.rows();
    if (integer("vocab_size", ConfigLimits.VOCAB, rows) != rows) {
      throw metadata.unexpected(key("vocab_size"), rows + ", the rows of token_embd.weight");
    }
    return rows;
  }

  private float[] ropeScaling(int headDim) {
    for (String name : List.of("rope_factors_long.weight", "rope_factors_short.weight")) {
      if (checkpoint.tensors().containsKey(name)) {
        throw new MalformedModelException(
            checkpoint.path(),
            "tensor " + name,
            "no such tensor, as LongRoPE is not supported",
            "one");
      }
    }
    float[] scaling = linearScaling(headDim);
    if (checkpoint.tensors().containsKey("rope_freqs.weight")) {
      float[] factors = StoredVectors.require(checkpoint, "rope_freqs.weight", headDim / 2);
      for (float factor : factors) {
        if (!(factor > 0)) {
          throw new MalformedModelException(
              checkpoint.path(),
              "tensor rope_freqs.weight",
              "positive factors",
              String.valueOf(factor));
        }
      }
      if (scaling.length != 0) {
        throw metadata.unexpected(
            key("rope.scaling.type"), "none beside the tensor rope_freqs.weight");
      }
      return factors;
    }
    return scaling;
  }

  private float[] linearScaling(int headDim) {
    String typeKey = key("rope.scaling.type");
    return switch (metadata.string(typeKey).orElse("none")) {
      // Older files have the factor under a key of its own and no type.
      case "none" ->
          RopeScaling.linear(
              headDim, ConfigLimits.positiveFloat(metadata, key("rope.scale_linear"), 1));
      case "linear" ->
          RopeScaling.linear(
              headDim, ConfigLimits.positiveFloat(metadata, key("rope.scaling.factor"), 1));
      default ->
          throw metadata.unexpected(
              typeKey, "none or linear (Llama 3 scaling is the tensor rope_freqs.weight)");
    };
  }

  private Tensor tensor(String name) {
    Tensor tensor = checkpoint.tensors().get(name);
    if (tensor == null) {
      throw new MalformedModelException(
          checkpoint.path(), "tensor " + name, "a tensor of this name", "none");
    }
    return tensor;
  }

  private int integer(String suffix, int max) {
    return metadata.requireInt(key(suffix), 1, max);
  }

  private int integer(String suffix, int max, int fallback) {
    return metadata.optionalLong(key(suffix), 1, max).orElse((long) fallback).intValue();
  }

  private String key(String suffix) {
    return prefix + "." + suffix;
  }
}
