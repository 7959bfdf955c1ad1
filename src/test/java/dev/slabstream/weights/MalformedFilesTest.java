package dev.slabstream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every broken file of the reference is refused here, at the place where it is broken, or is
/// another layer's to refuse: that it opens is asserted too, so that the list below cannot hide
/// one.
class MalformedFilesTest {
  private static final Path FOLDER = Reference.path("malformed");

  /// Well-formed files whose content makes no model, or no tokenizer.
  private static final Set<String> ANOTHER_LAYERS =
      Set.of(
          "missing-block_count.gguf",
          "arch-unknown.gguf",
          "heads-0.gguf",
          "rope-theta-nan.gguf",
          "kv-heads-not-dividing.gguf",
          "merge-without-space.gguf",
          "shape-wrong.gguf",
          "tensor-missing.gguf",
          "weight-nan.gguf",
          "st-tensor-missing/",
          "st-shape-wrong/",
          "config-heads-0/");

  /// How far the reported offset may be from the manifest's, which names a byte inside the field at
  /// times.
  private static final int FIELD_BYTES = 8;

  record Entry(String file, String category, String what, @Nullable Long byteOffset) {
    @Override
    public String toString() {
      return file + ": " + what;
    }
  }

  static List<Entry> entries() {
    JsonNode manifest = JsonMapper.shared().readTree(FOLDER.resolve("manifest.json").toFile());
    return StreamSupport.stream(manifest.get("entries").spliterator(), false)
        .map(
            entry ->
                new Entry(
                    entry.get("file").asString(),
                    entry.get("category").asString(),
                    entry.get("what").asString(),
                    entry.get("byte_offset").isNull() ? null : entry.get("byte_offset").asLong()))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("entries")
  void everyMalformedFileIsRefusedAtItsPlace(Entry entry) {
    Path path = FOLDER.resolve(entry.file());
    if (ANOTHER_LAYERS.contains(entry.file())) {
      Checkpoint.open(path).close();
      return;
    }

    MalformedModelException refusal =
        catchThrowableOfType(MalformedModelException.class, () -> Checkpoint.open(path).close());

    assertThat(refusal).isNotNull();
    assertThat(refusal.path().startsWith(path)).isTrue();
    assertThat(refusal.where()).isNotBlank();
    assertThat(refusal.expected()).isNotBlank();
    assertThat(refusal.found()).isNotBlank();
    Long place = entry.byteOffset();
    if (place != null) {
      assertThat(offsetsNamedBy(refusal))
          .anySatisfy(offset -> assertThat(place - offset).isBetween(0L, (long) FIELD_BYTES));
    }
  }

  @Test
  void theManifestHasAllTheFilesThatAreLeftToOtherLayers() {
    assertThat(entries()).hasSize(37).extracting(Entry::file).containsAll(ANOTHER_LAYERS);
  }

  /// The place, and for a file that ends too early also the place of its end.
  private static List<Long> offsetsNamedBy(MalformedModelException refusal) {
    return Pattern.compile("offset (\\d+)")
        .matcher(refusal.where() + " " + refusal.found())
        .results()
        .map(result -> Long.parseLong(result.group(1)))
        .toList();
  }
}
