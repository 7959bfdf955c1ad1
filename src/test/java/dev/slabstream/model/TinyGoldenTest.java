package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TinyGoldenTest {
  private static final GoldenReport REPORT = new GoldenReport("tiny");

  static Stream<Arguments> backendsAndFiles() {
    return Arrays.stream(TestBackend.values())
        .flatMap(
            backend -> GoldenFile.tiny().stream().map(golden -> Arguments.of(backend, golden)));
  }

  @ParameterizedTest
  @MethodSource("backendsAndFiles")
  void everyTinyModelGivesTheReferencesLogitsAndTokens(TestBackend backend, GoldenFile golden) {
    Deviations found = new Deviations();
    try (Kernels kernels = backend.open(1);
        Loaded loaded = TestModels.load(golden.path(), kernels, 16)) {
      found.compare(loaded, golden, golden.cases());
    }
    REPORT.add(backend, golden, found);
  }

  @Test
  void theReferenceHasEveryArchitectureAndType() {
    assertThat(GoldenFile.tiny())
        .extracting(GoldenFile::name)
        .hasSize(33)
        .contains(
            "gpt2-a/hf", "llama-a/Q5_1", "llama-k-a/Q4_K_M", "mistral-swa-a/hf", "qwen3-swa-a/hf");
  }

  @AfterAll
  static void report() {
    REPORT.write();
  }
}
