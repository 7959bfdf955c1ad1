package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every broken file of the reference, through the door that the service and the command line use: one message, whichever layer
/// found the fault, that names the file, the place, what was expected there and what was found.
final class MalformedModelsTest {
  private static final Path FOLDER = TestModel.REFERENCE.resolve("malformed");
  private static final LoadSettings SETTINGS = TestModel.settings(1L << 20);

  record Entry(String file, String what) {
    @Override
    public String toString() {
      return file + ": " + what;
    }
  }

  static List<Entry> entries() {
    JsonNode manifest = JsonMapper.shared().readTree(FOLDER.resolve("manifest.json").toFile());
    return manifest
        .get("entries")
        .valueStream()
        .map(entry -> new Entry(entry.get("file").asString(), entry.get("what").asString()))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("entries")
  void aBrokenModelIsRefusedWithItsPathItsPlaceWhatIsExpectedAndWhatIsFound(Entry entry) {
    Path path = FOLDER.resolve(entry.file());

    ModelUnusableException refusal =
        catchThrowableOfType(
            ModelUnusableException.class, () -> LoadedModel.load(path, SETTINGS).close());

    assertThat(refusal).isNotNull();
    // A place is an offset, a key, a tensor, or one of the folder's files.
    assertThat(refusal.getMessage())
        .matches("\\Q" + path + "\\E(/[\\w.-]+)?[,:] \\S.*: expected \\S.*; found \\S(?s:.*)");
  }

  @Test
  void theListIsWhole() {
    assertThat(entries()).hasSize(37).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(strings = {"valid/llama.gguf", "valid/llama-hf"})
  void theModelsThatTheBrokenOnesWereMadeOfLoad(String file) {
    try (LoadedModel loaded = LoadedModel.load(FOLDER.resolve(file), SETTINGS)) {
      assertThat(loaded.tokenizer().vocabSize()).isEqualTo(loaded.config().vocabSize());
    }
  }
}
