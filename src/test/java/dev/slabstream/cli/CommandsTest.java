package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Base64;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands against the reference: what they print is what the golden files say.
class CommandsTest {
  private static final String REFERENCE = "src/test/resources/reference/";
  private static final String LLAMA = REFERENCE + "malformed/valid/llama.gguf";
  private static final String LLAMA_Q5_0 = REFERENCE + "tiny/llama-a/llama-a-Q5_0.gguf";
  private static final String TINY = REFERENCE + "tiny/llama-a/llama-a-F32.gguf";

  /// The reference's own bound for tiny models.
  private static final double TOLERANCE = 2e-3;

  @ParameterizedTest
  @ValueSource(strings = {"valid/llama.gguf", "valid/llama-hf"})
  void logitsContinuesAsTheReferenceDoes(String file) {
    JsonNode control = control(file);

    Run run =
        Run.of(
            "logits",
            "-m",
            REFERENCE + "malformed/" + file,
            "--ids",
            control.get("prompt_ids").toString(),
            "-n",
            "8",
            "--top",
            "3",
            "--kv-cache-type=f32");

    assertThat(run.exitCode()).hasValue(0);
    JsonNode result = run.json();
    assertThat(result.get("prompt_ids")).isEqualTo(control.get("prompt_ids"));
    assertThat(result.get("greedy_ids")).isEqualTo(control.get("greedy_ids"));
    double sum = 0;
    for (int i = 0; i < 8; i++) {
      JsonNode step = result.get("steps").get(i);
      double logprob = step.get("logprob").asDouble();
      assertThat(step.get("id")).isEqualTo(control.get("greedy_ids").get(i));
      assertThat(step.get("gap").asDouble())
          .isCloseTo(control.get("gaps").get(i).asDouble(), within(TOLERANCE));
      assertThat(step.get("top")).hasSize(3);
      assertThat(step.get("top").get(0).get(0)).isEqualTo(step.get("id"));
      assertThat(step.get("top").get(0).get(1).asDouble()).isEqualTo(logprob);
      assertThat(step.get("top").get(1).get(1).asDouble())
          .isCloseTo(logprob - step.get("gap").asDouble(), within(1e-5));
      sum += logprob;
    }
    assertThat(result.get("sum_logprob").asDouble()).isCloseTo(sum, within(1e-6));
    assertThat(result.get("min_gap").asDouble()).isCloseTo(0.04006139, within(TOLERANCE));
  }

  @Test
  void logitsAfterThePromptAreThoseOfTheGolden() {
    JsonNode golden = json(REFERENCE + "tiny/llama-a/goldens/F32.json").get("cases").get(1);

    JsonNode result =
        Run.of(
                "logits",
                "-m",
                TINY,
                "--ids",
                golden.get("prompt_ids").toString(),
                "-n",
                "1",
                "--prompt-logits",
                "--kv-cache-type=f32")
            .json();

    FloatBuffer expected = floats(golden.get("last_prompt_logits_f32le_b64"));
    FloatBuffer actual = floats(result.get("last_prompt_logits_f32le_b64"));
    assertThat(actual.remaining()).isEqualTo(expected.remaining()).isEqualTo(512);
    for (int i = 0; i < 512; i++) {
      assertThat(actual.get(i)).isCloseTo(expected.get(i), within((float) TOLERANCE));
    }
  }

  @Test
  void forcedTokensAreFedInsteadOfTheChosenOnes() {
    JsonNode greedy = Run.of("logits", "-m", LLAMA, "--ids", "1,2", "-n", "3").json();
    String chosen = greedy.get("greedy_ids").toString();

    JsonNode same = Run.of("logits", "-m", LLAMA, "--ids=1 2", "--force-ids", chosen).json();
    JsonNode other = Run.of("logits", "-m", LLAMA, "--ids=1,2", "--force-ids", "7,7,7").json();

    assertThat(same.get("steps")).isEqualTo(greedy.get("steps"));
    assertThat(other.get("steps").get(0).get("id").asInt()).isEqualTo(7);
    assertThat(other.get("steps").get(0).get("top"))
        .isEqualTo(greedy.get("steps").get(0).get("top"));
    assertThat(other.get("steps").get(1).get("top"))
        .isNotEqualTo(greedy.get("steps").get(1).get("top"));
    assertThat(other.get("greedy_ids").get(0)).isEqualTo(greedy.get("greedy_ids").get(0));
  }

  @Test
  void logitsThatAreNotNumbersEndInAnError() {
    Run run = Run.of("logits", "-m", REFERENCE + "malformed/weight-nan.gguf", "--ids", "1");

    assertThat(run.exitCode()).hasValue(1);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void anIdOutsideTheVocabularyAndAPromptOutsideTheContextAreRefused() {
    Run badId = Run.of("logits", "-m", LLAMA, "--ids", "1,280");
    Run noPrompt = Run.of("logits", "-m", LLAMA, "--ids", "");
    Run tooLong = Run.of("logits", "-m", LLAMA, "--ids", "1,".repeat(60), "-n", "10");

    assertThat(badId.exitCode()).hasValue(2);
    assertThat(badId.err()).contains("a token id must be from 0 to 279; got 280");
    assertThat(noPrompt.exitCode()).hasValue(2);
    assertThat(tooLong.exitCode()).hasValue(2);
    assertThat(tooLong.err()).contains("70 tokens are more than the model's context of 64");
  }

  @Test
  void generateStreamsTheGoldenContinuationOfTheEmbeddedModel() {
    JsonNode golden = json(REFERENCE + "smollm2/cases/english.json");
    String prompt = golden.get("prompt").asString();
    String firstIds =
        StreamSupport.stream(golden.get("greedy_ids").spliterator(), false)
            .limit(4)
            .map(JsonNode::toString)
            .collect(Collectors.joining(","));

    Run ids = Run.of("generate", "-n", "4", "--ids", prompt);
    Run text = Run.withInput(prompt, "generate", "-n", "4", "--stats", "--echo");

    assertThat(ids.exitCode()).hasValue(0);
    assertThat(ids.out()).isEqualToIgnoringNewLines(firstIds);
    assertThat(text.out()).startsWith(prompt);
    assertThat(golden.get("greedy_text").asString())
        .startsWith(text.out().substring(prompt.length()).stripTrailing());
    assertThat(text.out().strip()).isNotEqualTo(prompt.strip());
    assertThat(text.err()).contains("prompt 16 tokens", "generated 4 tokens", "length", "greedy");
  }

  @Test
  void theSameSeedGivesTheSameText() {
    String[] sampled = {
      "generate",
      "-m",
      TINY,
      "-n",
      "12",
      "--ids",
      "--temperature",
      "1.5",
      "--seed",
      "7",
      "--stats",
      "ab"
    };
    Run first = Run.of(sampled);
    Run second = Run.of(sampled);
    sampled[9] = "8";
    Run other = Run.of(sampled);

    assertThat(first.exitCode()).hasValue(0);
    assertThat(first.out()).isEqualTo(second.out()).isNotEqualTo(other.out());
    assertThat(first.err()).contains("seed 7");
  }

  @Test
  void whatTheApiRefusesIsRefusedHere() {
    Run run = Run.of("generate", "-m", TINY, "--top-p", "1.5", "ab");

    assertThat(run.exitCode()).hasValue(1);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("top_p");
  }

  @Test
  void aStopStringEndsTheText() {
    String whole = Run.of("generate", "-m", TINY, "-n", "30", "ab").out().strip();
    String stop = whole.substring(6, 8);

    String stopped = Run.of("generate", "-m", TINY, "-n", "30", "--stop", stop, "ab").out();

    assertThat(stopped).isEqualToIgnoringNewLines(whole.substring(0, whole.indexOf(stop)));
  }

  @Test
  void tokenizeAndDetokenizeAgreeWithTheGoldens() {
    JsonNode golden = json(REFERENCE + "smollm2/cases/emoji.json");
    String prompt = golden.get("prompt").asString();

    Run ids = Run.withInput(prompt, "tokenize", "--ids");
    Run lines = Run.of("tokenize", "Hi<|im_end|>");
    Run asText = Run.of("tokenize", "--special-as-text", "--json", "Hi<|im_end|>");
    Run text = Run.of("detokenize", "--json", ids.out().strip());

    assertThat(ids.out().strip())
        .isEqualTo(golden.get("prompt_ids").toString().replaceAll("[\\[\\] ]", ""));
    assertThat(text.json().get("text").asString()).isEqualTo(prompt);
    assertThat(lines.out().lines()).hasSize(2).last().asString().contains("2  \"<|im_end|>\"");
    assertThat(asText.json().get("ids").size()).isGreaterThan(2);
    assertThat(asText.json().get("tokens")).hasSameSizeAs(asText.json().get("ids"));
    assertThat(Run.of("detokenize", "--skip-special", "2", "2").out()).isBlank();
    assertThat(Run.of("detokenize", "99999999").exitCode()).hasValue(2);
  }

  @Test
  void inspectShowsDimensionsTensorsAndThePlanForMemory() {
    JsonNode report = Run.of("inspect", "--json").json();

    assertThat(report.get("format").asString()).isEqualTo("gguf");
    assertThat(report.get("dimensions").get("layers").asInt()).isEqualTo(30);
    assertThat(report.get("tensors")).hasSize(272);
    assertThat(report.get("tensors").get(0).get("name").asString()).isEqualTo("token_embd.weight");
    assertThat(report.get("types").get("Q4_1").get("tensors").asInt()).isEqualTo(210);
    JsonNode memory = report.get("memory");
    // 30 layers, keys and values, 3 heads of 64 bytes and a scale.
    assertThat(memory.get("kv_per_token_bytes").asLong()).isEqualTo(30L * 2 * 3 * (64 + 4));
    assertThat(memory.get("kv_type").asString()).isEqualTo("q8");
    JsonNode f32 = Run.of("inspect", "--json", "--kv-cache-type=f32").json().get("memory");
    assertThat(f32.get("kv_per_token_bytes").asLong()).isEqualTo(30L * 2 * 3 * 64 * 4);
    // 4-bit codes and floats are as large in memory as in the file.
    assertThat(memory.get("weights_bytes")).isEqualTo(memory.get("weights_file_bytes"));
    assertThat(memory.get("weights_file_bytes").asLong())
        .isEqualTo(
            StreamSupport.stream(report.get("tensors").spliterator(), false)
                .mapToLong(tensor -> tensor.get("bytes").asLong())
                .sum());
    // The head is the embedding: both are read, once.
    assertThat(memory.get("read_per_token_bytes")).isEqualTo(memory.get("weights_bytes"));
    assertThat(memory.get("slab_tokens").asLong()).isPositive();
    assertThat(report.get("metadata").get("tokenizer.ggml.tokens").get("length").asInt())
        .isEqualTo(49152);
  }

  @Test
  void inspectShowsWeightsAsTheyWillLieInMemory() {
    JsonNode memory = Run.of("inspect", "--json", "-m", LLAMA_Q5_0).json().get("memory");

    // 5-bit codes become bytes: 34 bytes a block of 32 in place of 22, but for vectors, which are
    // floats in both.
    long vectors = (7L * 64 + 8) * Float.BYTES;
    long inFile = memory.get("weights_file_bytes").asLong() - vectors;
    assertThat((memory.get("weights_bytes").asLong() - vectors) * 22).isEqualTo(inFile * 34);
    assertThat(memory.get("read_per_token_bytes").asLong())
        .isLessThan(memory.get("weights_bytes").asLong());
  }

  @Test
  void inspectAsTextNamesEveryTensorWhenAsked() {
    Run run = Run.of("inspect", "-m", LLAMA);
    Run withTensors = Run.of("inspect", "--tensors", "-m", LLAMA);

    assertThat(run.exitCode()).hasValue(0);
    assertThat(run.out()).contains("llama.block_count", "F32").doesNotContain("ffn_gate");
    assertThat(withTensors.out()).contains("blk.0.ffn_gate.weight");
  }

  @Test
  void inspectShowsAModelThatCannotBeComputedAndSaysWhy() {
    Run run = Run.of("inspect", "--json", "-m", REFERENCE + "malformed/arch-unknown.gguf");

    assertThat(run.exitCode()).hasValue(1);
    assertThat(run.json().get("problem").asString()).contains("mamba9");
    assertThat(run.json().get("tensors")).hasSize(11);
    assertThat(run.err().lines()).hasSize(1);
  }

  private static JsonNode control(String file) {
    for (JsonNode control : json(REFERENCE + "malformed/manifest.json").get("valid_controls")) {
      if (control.get("file").asString().equals(file)) {
        return control;
      }
    }
    throw new AssertionError("no control " + file);
  }

  private static JsonNode json(String path) {
    return JsonMapper.shared().readTree(Path.of(path).toFile());
  }

  private static FloatBuffer floats(JsonNode base64) {
    return ByteBuffer.wrap(Base64.getDecoder().decode(base64.asString()))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer();
  }
}
