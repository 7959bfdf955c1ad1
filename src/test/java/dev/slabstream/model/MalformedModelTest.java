package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.NonFiniteWeightException;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.weights.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Files that are well formed and make no model, from the reference's list, and its valid controls.
class MalformedModelTest {
  private static final Path FOLDER = TestModels.reference("malformed");

  /// What the tokenizer refuses.
  private static final List<String> NOT_OURS = List.of("merge-without-space.gguf");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          missing-block_count.gguf   | llama.block_count                              | nothing
          arch-unknown.gguf          | one of gpt2, llama, qwen3                      | mamba9
          heads-0.gguf               | llama.attention.head_count                     | 0
          rope-theta-nan.gguf        | llama.rope.freq_base                           | NaN
          kv-heads-not-dividing.gguf | a divisor of llama.attention.head_count        | found
          shape-wrong.gguf           | blk.0.attn_output.weight                       | 31
          tensor-missing.gguf        | blk.0.attn_output.weight                       | found
          st-tensor-missing          | model.layers.0.self_attn.o_proj.weight         | found
          st-shape-wrong             | model.layers.0                                 | found
          config-heads-0             | num_attention_heads                            | 0
          """)
  void aFileThatMakesNoModelIsRefusedWithItsPlaceAndWhatIsThere(
      String file, String place, String found) {
    MalformedModelException refusal =
        catchThrowableOfType(MalformedModelException.class, () -> load(FOLDER.resolve(file)));

    assertThat(refusal)
        .hasMessageContaining(file)
        .hasMessageContaining(place)
        .hasMessageContaining(found);
  }

  @Test
  void aNormWithNanIsRefusedWithItsNameAndOffset() {
    Assertions.assertThatThrownBy(() -> load(FOLDER.resolve("weight-nan.gguf")))
        .isInstanceOf(NonFiniteWeightException.class)
        .hasMessageContaining("_norm.weight")
        .hasMessageContaining("NaN");
  }

  @Test
  void everyEntryOfTheManifestIsRefused() {
    int refused = 0;
    for (JsonNode entry : manifest("entries")) {
      String file = entry.get("file").asString();
      if (NOT_OURS.contains(file)) {
        continue;
      }
      Assertions.assertThatThrownBy(() -> load(FOLDER.resolve(file)))
          .as(file)
          .isInstanceOfAny(MalformedModelException.class, NonFiniteWeightException.class);
      refused++;
    }
    assertThat(refused).isEqualTo(36);
  }

  static List<JsonNode> validControls() {
    return manifest("valid_controls");
  }

  @ParameterizedTest
  @MethodSource("validControls")
  void aValidControlGivesItsTokens(JsonNode control) {
    int[] prompt = ints(control.get("prompt_ids"));
    int[] expected = ints(control.get("greedy_ids"));
    for (TestBackend backend : TestBackend.values()) {
      try (Kernels kernels = backend.open(1);
          Loaded loaded =
              TestModels.load(FOLDER.resolve(control.get("file").asString()), kernels, 4);
          TestSequence sequence =
              new TestSequence(
                  loaded.model(), loaded.slab(), prompt.length + expected.length, prompt.length)) {
        assertThat(sequence.greedy(prompt, expected.length)).isEqualTo(expected);
      }
    }
  }

  @Test
  void tensorsThatAreMissingOrOfAnotherShapeAreRefusedInEveryArchitecture(@TempDir Path folder) {
    Map<String, List<String>> needed =
        Map.of(
            "gpt2-a",
                List.of(
                    "position_embd.weight",
                    "blk.2.attn_qkv.bias",
                    "blk.0.ffn_norm.bias",
                    "output_norm.bias"),
            "llama-a",
                List.of("blk.1.ffn_up.weight", "blk.2.attn_norm.weight", "output_norm.weight"),
            "qwen3-a",
                List.of(
                    "blk.0.attn_q_norm.weight", "blk.2.attn_k_norm.weight", "blk.1.attn_v.weight"));
    needed.forEach(
        (model, tensors) ->
            tensors.forEach(
                tensor -> {
                  Path file =
                      new GgufEdit(TestModels.tiny(model, "F32"))
                          .rename(tensor, "elsewhere")
                          .write(folder.resolve(model + ".gguf"));
                  Assertions.assertThatThrownBy(() -> load(file))
                      .isInstanceOf(MalformedModelException.class)
                      .hasMessageContaining(tensor);
                }));
  }

  private static void load(Path path) {
    try (Kernels kernels = TestBackend.SCALAR.open(1)) {
      TestModels.load(path, kernels, 1).close();
    }
  }

  private static List<JsonNode> manifest(String key) {
    List<JsonNode> nodes = new ArrayList<>();
    JsonMapper.shared()
        .readTree(FOLDER.resolve("manifest.json").toFile())
        .get(key)
        .forEach(nodes::add);
    return nodes;
  }

  private static int[] ints(JsonNode node) {
    return node.valueStream().mapToInt(JsonNode::asInt).toArray();
  }
}
