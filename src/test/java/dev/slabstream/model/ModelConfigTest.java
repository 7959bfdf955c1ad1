package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.model.ModelConfig.Architecture;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ModelConfigTest {
  @TempDir private Path folder;

  @Test
  void theEmbeddedModelIsALlamaWithAHeadDimensionFromItsEmbedding() {
    ModelConfig config = read(TestModels.smolLm2());

    assertThat(config)
        .usingRecursiveComparison()
        .isEqualTo(
            new ModelConfig(
                Architecture.LLAMA,
                "Smollm2 135M 8k Lc100K Mix1 Ep2",
                30,
                576,
                9,
                3,
                64,
                1536,
                49152,
                8192,
                1e-5f,
                100_000,
                new float[0],
                0,
                0));
    assertThat(config.kvLayout(10, 16, KvType.F16))
        .isEqualTo(new KvLayout(30, 10, 3, 64, 16, KvType.F16));
  }

  @Test
  void aGgufFileAndAFolderOfTheSameModelAgree() {
    for (String model : new String[] {"gpt2-a", "llama-a", "qwen3-a"}) {
      ModelConfig gguf = read(TestModels.tiny(model, "F32"));
      ModelConfig folderConfig = read(TestModels.tiny(model, "hf"));
      assertThat(folderConfig)
          .as(model)
          .usingRecursiveComparison()
          .ignoringFields("name", "ropeScaling")
          .isEqualTo(gguf);
      // The file has the factors as a tensor, the folder has the rule that makes them.
      assertThat(folderConfig.ropeScaling()).containsExactly(gguf.ropeScaling(), within(1e-5f));
    }
    assertThat(read(TestModels.tiny("llama-a", "hf")).ropeScaling())
        .hasSize(8)
        .endsWith(8f)
        .startsWith(1f);
  }

  @Test
  void aWindowCoversTheLayersThatItsFamilyHasItIn() {
    ModelConfig mistral = read(TestModels.tiny("mistral-swa-a", "hf"));
    assertThat(mistral.architecture()).isEqualTo(Architecture.LLAMA);
    assertThat(windows(mistral)).containsExactly(16, 16, 16);
    assertThat(mistral.cacheWindow()).isEqualTo(16);

    ModelConfig qwen3 = read(TestModels.tiny("qwen3-swa-a", "hf"));
    assertThat(windows(qwen3)).containsExactly(0, 0, 16, 16);
    assertThat(qwen3.cacheWindow()).isZero();

    assertThat(windows(folder("mistral-swa-a", e -> e.set("sliding_window", "null"))))
        .containsOnly(0);
    assertThat(windows(folder("mistral-swa-a", e -> e.set("sliding_window", "512"))))
        .containsOnly(0);
    assertThat(windows(folder("llama-a", e -> e.set("sliding_window", "16")))).containsOnly(0);
    assertThat(windows(folder("qwen3-swa-a", e -> e.set("use_sliding_window", "false"))))
        .containsOnly(0);
    assertThat(windows(folder("qwen3-swa-a", e -> e.set("max_window_layers", "4"))))
        .containsOnly(0);
    assertThat(windows(folder("qwen3-swa-a", e -> e.remove("max_window_layers")))).containsOnly(0);
    assertThat(windows(folder("qwen3-swa-a", e -> e.set("max_window_layers", "0"))))
        .containsOnly(16);
  }

  @Test
  void layerTypesOfNewerFilesSayWhichLayersHaveAWindow() {
    assertThat(
            windows(
                folder(
                    "qwen3-swa-a",
                    e ->
                        e.set("max_window_layers", "0")
                            .set(
                                "layer_types",
                                """
                                ["full_attention", "full_attention", "full_attention", "sliding_attention"]"""))))
        .containsExactly(0, 0, 0, 16);
    assertThat(
            windows(
                folder(
                    "mistral-swa-a",
                    e ->
                        e.set(
                            "layer_types",
                            "[\"full_attention\", \"full_attention\", \"full_attention\"]"))))
        .containsOnly(0);
  }

  @Test
  void rotaryParametersAreFoundWhereOldAndNewFilesHaveThem() {
    assertThat(
            folder("llama-a", e -> e.remove("rope_theta").set("rope_scaling", "null")).ropeTheta())
        .isEqualTo(10_000);
    ModelConfig newer =
        folder(
            "llama-a",
            e ->
                e.remove("rope_theta")
                    .remove("rope_scaling")
                    .set(
                        "rope_parameters",
                        "{\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 2e5}"));
    assertThat(newer.ropeTheta()).isEqualTo(200_000);
    assertThat(newer.ropeScaling()).hasSize(8).containsOnly(4f);
    assertThat(
            folder("llama-a", e -> e.set("rope_scaling", "{\"type\": \"linear\", \"factor\": 2}"))
                .ropeScaling())
        .containsOnly(2f);
    assertThat(
            folder("llama-a", e -> e.set("rope_scaling", "{\"rope_type\": \"default\"}"))
                .ropeScaling())
        .isEmpty();
    assertThat(
            gguf(
                    "qwen3-a",
                    e ->
                        e.set("qwen3.rope.scaling.type", "linear")
                            .set("qwen3.rope.scaling.factor", 4f))
                .ropeScaling())
        .hasSize(16)
        .containsOnly(4f);
  }

  @Test
  void absentNumbersMeanWhatTheFormatsSay() {
    assertThat(
            folder("llama-a", e -> e.set("num_attention_heads", "2").remove("num_key_value_heads"))
                .numKvHeads())
        .isEqualTo(2);
    assertThat(folder("gpt2-a", e -> e.remove("n_positions").remove("layer_norm_epsilon")))
        .extracting(ModelConfig::contextLength, ModelConfig::normEps, ModelConfig::feedForwardDim)
        .containsExactly(256, 1e-5f, 256);
    assertThat(
            gguf(
                "llama-a",
                e -> e.remove("llama.vocab_size").remove("llama.attention.head_count_kv")))
        .extracting(ModelConfig::vocabSize, ModelConfig::numKvHeads)
        .containsExactly(512, 4);
  }

  static Stream<Arguments> refusedFolders() {
    return Stream.of(
        refused("llama-a", "model_type", "\"gemma3\"", "one of gpt2, llama, mistral, qwen3"),
        refused("llama-a", "hidden_act", "\"gelu\"", "silu"),
        refused("gpt2-a", "activation_function", "\"relu\"", "gelu_new"),
        refused("gpt2-a", "scale_attn_by_inverse_layer_idx", "true", "not supported"),
        refused("gpt2-a", "scale_attn_weights", "false", "not supported"),
        refused("gpt2-a", "n_head", "3", "divides n_embd (64)"),
        refused("llama-a", "num_attention_heads", "0", "from 1 to"),
        refused("llama-a", "num_attention_heads", "-4", "from 1 to"),
        refused(
            "llama-a", "num_key_value_heads", "3", "a divisor of num_attention_heads, which is 4"),
        refused("llama-a", "hidden_size", "9223372036854775807", "from 1 to"),
        refused("llama-a", "hidden_size", "64.5", "integer"),
        refused("qwen3-a", "head_dim", "33", "even"),
        refused(
            "qwen3-a", "head_dim", "null", "divides hidden_size (64)", "num_attention_heads", "64"),
        refused("llama-a", "num_hidden_layers", "100000", "from 1 to"),
        refused("llama-a", "max_position_embeddings", "0", "from 1 to"),
        refused("llama-a", "rms_norm_eps", "0", "positive"),
        refused("llama-a", "rms_norm_eps", "null", "found nothing"),
        refused("llama-a", "rms_norm_eps", "1e-60", "positive 32-bit"),
        refused("llama-a", "rope_theta", "-1", "positive"),
        refused("llama-a", "rope_theta", "1e300", "positive 32-bit"),
        refused("llama-a", "rope_theta", "\"a lot\"", "finite number"),
        refused("llama-a", "partial_rotary_factor", "0.5", "partial rotation"),
        refused("llama-a", "rope_scaling.rope_type", "\"yarn\"", "default, linear or llama3"),
        refused("llama-a", "rope_scaling.factor", "0", "positive"),
        refused("llama-a", "rope_scaling.high_freq_factor", "1.0", "more than low_freq_factor"),
        refused("llama-a", "rope_scaling.original_max_position_embeddings", "0", "from 1 to"),
        refused("llama-a", "rope_parameters.full_attention", "{}", "one rotation for all layers"),
        refused("qwen3-swa-a", "sliding_window", "0", "from 1 to"),
        refused("qwen3-swa-a", "layer_types", "[\"full_attention\"]", "4 layers"),
        refused(
            "mistral-swa-a",
            "layer_types",
            "[\"sliding_attention\", \"full_attention\", \"full_attention\"]",
            "full_attention in the lower layers"),
        refused(
            "mistral-swa-a",
            "sliding_window",
            "null",
            "layer_types names layers",
            "layer_types",
            "[\"full_attention\", \"full_attention\", \"sliding_attention\"]"));
  }

  private static Arguments refused(
      String model, String key, String json, String reason, String... others) {
    return Arguments.of(model, key, json, reason, others);
  }

  @ParameterizedTest
  @MethodSource("refusedFolders")
  void aFolderThatCannotBeComputedIsRefusedWithKeyAndReason(
      String model, String key, String json, String reason, String[] others) {
    assertThatThrownBy(
            () ->
                folder(
                    model,
                    edit -> {
                      for (int i = 0; i < others.length; i += 2) {
                        set(edit, others[i], others[i + 1]);
                      }
                      return set(edit, key, json);
                    }))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(reason);
  }

  private static FolderEdit set(FolderEdit edit, String key, String json) {
    int dot = key.indexOf('.');
    return dot < 0
        ? edit.set(key, json)
        : edit.setIn(key.substring(0, dot), key.substring(dot + 1), json);
  }

  static Stream<Arguments> refusedFiles() {
    return Stream.of(
        Arguments.of(
            edit(e -> e.set("general.architecture", "mamba9")), "one of gpt2, llama, qwen3"),
        Arguments.of(edit(e -> e.remove("general.architecture")), "general.architecture"),
        Arguments.of(edit(e -> e.remove("llama.block_count")), "llama.block_count"),
        Arguments.of(edit(e -> e.set("llama.block_count", "3")), "llama.block_count"),
        Arguments.of(
            edit(e -> e.set("llama.attention.head_count", 0)), "llama.attention.head_count"),
        Arguments.of(
            edit(e -> e.set("llama.attention.head_count", -1)), "llama.attention.head_count"),
        Arguments.of(
            edit(e -> e.set("llama.attention.head_count_kv", 3)),
            "a divisor of llama.attention.head_count"),
        Arguments.of(edit(e -> e.set("llama.attention.key_length", 17)), "even"),
        Arguments.of(
            edit(e -> e.set("llama.attention.value_length", 8)), "the dimension of the keys"),
        Arguments.of(edit(e -> e.set("llama.rope.dimension_count", 8)), "partial rotation"),
        Arguments.of(edit(e -> e.set("llama.rope.freq_base", Float.NaN)), "llama.rope.freq_base"),
        Arguments.of(edit(e -> e.set("llama.rope.freq_base", 0f)), "llama.rope.freq_base"),
        Arguments.of(
            edit(e -> e.set("llama.attention.layer_norm_rms_epsilon", -1f)),
            "layer_norm_rms_epsilon"),
        Arguments.of(
            edit(e -> e.set("llama.vocab_size", 511)), "512, the rows of token_embd.weight"),
        Arguments.of(
            edit(e -> e.set("llama.context_length", Integer.MAX_VALUE)), "llama.context_length"),
        Arguments.of(edit(e -> e.set("llama.expert_count", 8)), "llama.expert_count"),
        Arguments.of(
            edit(e -> e.set("llama.attention.sliding_window", 64)),
            "llama.attention.sliding_window"),
        Arguments.of(edit(e -> e.set("llama.attention.causal", false)), "llama.attention.causal"),
        Arguments.of(
            edit(e -> e.set("llama.rope.scaling.type", "yarn")), "llama.rope.scaling.type"),
        Arguments.of(
            edit(
                e ->
                    e.set("llama.rope.scaling.type", "linear")
                        .set("llama.rope.scaling.factor", 2f)),
            "beside the tensor rope_freqs.weight"),
        Arguments.of(
            edit(e -> e.rename("rope_freqs.weight", "rope_factors_long.weight")), "LongRoPE"),
        Arguments.of(edit(e -> e.rename("token_embd.weight", "x")), "token_embd.weight"));
  }

  private static UnaryOperator<GgufEdit> edit(UnaryOperator<GgufEdit> edit) {
    return edit;
  }

  @ParameterizedTest
  @MethodSource("refusedFiles")
  void aGgufFileThatCannotBeComputedIsRefusedWithKeyAndReason(
      UnaryOperator<GgufEdit> edit, String reason) {
    assertThatThrownBy(() -> gguf("llama-a", edit))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("changed.gguf")
        .hasMessageContaining(reason);
  }

  private ModelConfig folder(String model, UnaryOperator<FolderEdit> edit) {
    return read(
        edit.apply(new FolderEdit(TestModels.tiny(model, "hf")))
            .write(folder.resolve("changed" + System.nanoTime())));
  }

  private ModelConfig gguf(String model, UnaryOperator<GgufEdit> edit) {
    return read(
        edit.apply(new GgufEdit(TestModels.tiny(model, "F32")))
            .write(folder.resolve("changed.gguf")));
  }

  private static ModelConfig read(Path path) {
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      return ModelConfig.read(checkpoint);
    }
  }

  private static int[] windows(ModelConfig config) {
    int[] windows = new int[config.numLayers()];
    for (int l = 0; l < windows.length; l++) {
      windows[l] = config.windowOf(l);
    }
    return windows;
  }
}
