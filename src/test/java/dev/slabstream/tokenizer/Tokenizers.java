package dev.slabstream.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.slabstream.config.TokenizerLoader;
import dev.slabstream.weights.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The tokenizers and goldens of the reference data, each read once.
public final class Tokenizers {
  public static final Path ROOT = Path.of("src/test/resources/reference");
  public static final Path SMOLLM2 = Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf");

  private static final Map<String, Tokenizer> LOADED = new ConcurrentHashMap<>();
  private static final JsonMapper MAPPER = new JsonMapper();

  private Tokenizers() {}

  /// `smollm2`, `gpt2`, `qwen3`, or `llama3`, which is skipped when its folder was not named.
  public static Tokenizer get(String name) {
    assumeAvailable(name);
    return LOADED.computeIfAbsent(name, Tokenizers::load);
  }

  public static void assumeAvailable(String name) {
    assumeTrue(
        Files.isDirectory(folder(name)),
        () ->
            "the goldens of "
                + name
                + " are not in the repository (licence); name their folder with"
                + " -Dslabstream.reference");
  }

  static JsonNode goldens(String name) {
    assumeAvailable(name);
    return json(folder(name).resolve("goldens.json"));
  }

  public static Path folder(String name) {
    if (name.equals("llama3")) {
      return Path.of(System.getProperty("slabstream.reference", "absent"), "tokenizers", name);
    }
    return ROOT.resolve("tokenizers").resolve(name);
  }

  public static JsonNode json(Path path) {
    return MAPPER.readTree(bytes(path));
  }

  static byte[] tokenizerJson(String name) {
    return bytes(folder(name).resolve("tokenizer.json.gz"));
  }

  static byte[] bytes(Path path) {
    try (InputStream raw = Files.newInputStream(path);
        InputStream in = path.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int[] ids(JsonNode array) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = array.get(i).intValue();
    }
    return ids;
  }

  private static Tokenizer load(String name) {
    if (name.equals("smollm2")) {
      try (Checkpoint checkpoint = Checkpoint.open(SMOLLM2)) {
        return TokenizerLoader.load(checkpoint, 49152).tokenizer();
      }
    }
    TokenizerDefinition definition = TokenizerDefinition.ofJson(tokenizerJson(name));
    return definition.build(definition.size(), TokenizerDefinition.NO_BOS);
  }
}
