package dev.slabstream.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Expected outputs of one model file, computed in double precision by the reference implementation
/// (`src/test/resources/reference/README.md` says how and how near to them one has to be).
///
/// @param name for reports: `llama-a/Q4_0`
/// @param path the model
/// @param tolerance the largest allowed difference of a logit
public record GoldenFile(String name, Path path, double tolerance, List<Case> cases) {
  /// What follows a step with a smaller gap between the two largest logits proves nothing.
  static final double MIN_GAP = 2e-3;

  private static final double TINY_TOLERANCE = 2e-3;
  private static final double SMOLLM2_TOLERANCE = 1e-3;

  /// @param steps greedy tokens after the prompt
  /// @param lastPromptLogits `[vocabSize]`, or null
  /// @param allPromptLogits `[promptIds.length, vocabSize]`, or null
  public record Case(
      String name,
      int[] promptIds,
      List<Step> steps,
      float @Nullable [] lastPromptLogits,
      float @Nullable [] allPromptLogits) {
    @Override
    public String toString() {
      return name;
    }
  }

  /// @param id the token
  /// @param logprob its log-probability
  /// @param gap the largest logit minus the second largest
  /// @param top the most probable tokens, where the file has them
  public record Step(int id, double logprob, double gap, List<Candidate> top) {}

  /// @param logprob its log-probability
  public record Candidate(int id, double logprob) {}

  @Override
  public String toString() {
    return name;
  }

  /// Every golden file of the tiny models.
  public static List<GoldenFile> tiny() {
    List<GoldenFile> files = new ArrayList<>();
    for (Path model : sorted(TestModels.reference("tiny"))) {
      for (Path golden : sorted(model.resolve("goldens"))) {
        JsonNode json = read(golden);
        // goldens/tokenizer.json is the tokenizer's.
        if (json.has("dims")) {
          files.add(tiny(model, golden, json));
        }
      }
    }
    return files;
  }

  /// One golden file: `llama-a`, `Q4_0`.
  public static GoldenFile tiny(String model, String tag) {
    Path folder = TestModels.reference("tiny/" + model);
    Path golden = folder.resolve("goldens").resolve(tag + ".json");
    return tiny(folder, golden, read(golden));
  }

  private static GoldenFile tiny(Path model, Path golden, JsonNode json) {
    String tag = golden.getFileName().toString().replace(".json", "");
    List<Case> cases = new ArrayList<>();
    for (JsonNode each : json.get("cases")) {
      List<Step> steps = new ArrayList<>();
      for (int i = 0; i < each.get("greedy_ids").size(); i++) {
        steps.add(
            new Step(
                each.get("greedy_ids").get(i).asInt(),
                each.get("logprobs").get(i).asDouble(),
                each.get("gaps").get(i).asDouble(),
                List.of()));
      }
      cases.add(golden(each.get("prompt_ids").size() + " ids", each, steps));
    }
    return new GoldenFile(
        model.getFileName() + "/" + tag,
        model.resolve(json.get("file").asString()),
        TINY_TOLERANCE,
        cases);
  }

  /// The cases of the embedded model.
  public static GoldenFile smolLm2() {
    List<Case> cases = new ArrayList<>();
    for (Path file : sorted(TestModels.reference("smollm2/cases"))) {
      JsonNode json = read(file);
      List<Step> steps = new ArrayList<>();
      for (JsonNode step : json.get("steps")) {
        steps.add(
            new Step(
                step.get("id").asInt(),
                step.get("logprob").asDouble(),
                step.get("gap").asDouble(),
                step.get("top")
                    .valueStream()
                    .map(pair -> new Candidate(pair.get(0).asInt(), pair.get(1).asDouble()))
                    .toList()));
      }
      cases.add(golden(json.get("name").asString(), json, steps));
    }
    return new GoldenFile("smollm2/Q4_1", TestModels.smolLm2(), SMOLLM2_TOLERANCE, cases);
  }

  /// The case called `name`.
  public Case theCase(String name) {
    return cases.stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
  }

  private static Case golden(String name, JsonNode json, List<Step> steps) {
    int[] prompt = json.get("prompt_ids").valueStream().mapToInt(JsonNode::asInt).toArray();
    return new Case(
        name,
        prompt,
        List.copyOf(steps),
        logits(json, "last_prompt_logits_f32le_b64"),
        logits(json, "all_prompt_logits_f32le_b64"));
  }

  private static float @Nullable [] logits(JsonNode json, String key) {
    JsonNode text = json.get(key);
    if (text == null) {
      return null;
    }
    ByteBuffer bytes =
        ByteBuffer.wrap(Base64.getDecoder().decode(text.asString())).order(ByteOrder.LITTLE_ENDIAN);
    float[] out = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(out);
    return out;
  }

  private static JsonNode read(Path file) {
    return JsonMapper.shared().readTree(file.toFile());
  }

  private static List<Path> sorted(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
