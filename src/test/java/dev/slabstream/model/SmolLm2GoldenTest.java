package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.GoldenFile.Case;
import dev.slabstream.model.TestModels.Loaded;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SmolLm2GoldenTest {
  private static final GoldenReport REPORT = new GoldenReport("smollm2");
  private static final GoldenFile GOLDEN = GoldenFile.smolLm2();

  @ParameterizedTest
  @EnumSource
  void theEmbeddedModelGivesTheReferencesLogitsAndTokens(TestBackend backend) {
    Deviations found = new Deviations();
    try (Kernels kernels = backend.open(2);
        Loaded loaded = TestModels.load(GOLDEN.path(), kernels, 64)) {
      found.compare(loaded, GOLDEN, backend.isFast() ? GOLDEN.cases() : aShortCase());
    }
    REPORT.add(backend, GOLDEN, found);
  }

  private static List<Case> aShortCase() {
    return List.of(GOLDEN.theCase("english"));
  }

  @AfterAll
  static void report() {
    REPORT.write();
  }
}
