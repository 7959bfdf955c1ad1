package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.tensor.KvType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// How far rounded keys and values move the logits from the double-precision reference. Writes the
/// table of `docs/performance.md` to `target/golden-reports/cache-types.md`.
class CacheTypeTest {
  /// Root mean square differences in standard deviations that the reference's README grants: for 16-bit floats, and for numbers of 8
  /// bits (the tiny models were made to be sensitive).
  private static final double F16_RMS = 0.01;

  private static final double Q8_TINY_RMS = 0.15;
  private static final double Q8_SMOLLM2_RMS = 0.1;

  private static final Map<KvType, List<String>> LINES = new EnumMap<>(KvType.class);

  static Stream<Arguments> filesAndTypes() {
    return Stream.concat(GoldenFile.tiny().stream(), Stream.of(GoldenFile.smolLm2()))
        .flatMap(
            golden -> Stream.of(KvType.F16, KvType.Q8).map(type -> Arguments.of(golden, type)));
  }

  @ParameterizedTest
  @MethodSource("filesAndTypes")
  void logitsStayWithinTheBoundOfTheType(GoldenFile golden, KvType type) {
    LogitErrors rounded = errors(golden, type);
    assertThat(rounded.rms()).isLessThan(bound(golden, type));
    assertThat(rounded.rms())
        .as("rounding shows: the type was used")
        .isGreaterThan(errors(golden, KvType.F32).rms());
    LINES
        .computeIfAbsent(type, _ -> new ArrayList<>())
        .add(
            String.format(
                Locale.ROOT,
                "| %s | %s | %.1e | %.1e |",
                type.name().toLowerCase(Locale.ROOT),
                golden,
                rounded.rms(),
                rounded.max()));
  }

  private static LogitErrors errors(GoldenFile golden, KvType type) {
    try (Kernels kernels = TestBackend.VECTOR.open(2);
        Loaded loaded = TestModels.load(golden.path(), kernels, 64, type)) {
      return LogitErrors.of(loaded, golden);
    }
  }

  private static double bound(GoldenFile golden, KvType type) {
    boolean isTiny = !golden.name().startsWith("smollm2/");
    return switch (type) {
      case F32 -> throw new IllegalArgumentException("held to the reference by the golden tests");
      case F16 -> F16_RMS;
      case Q8 -> isTiny ? Q8_TINY_RMS : Q8_SMOLLM2_RMS;
    };
  }

  @AfterAll
  static void report() throws IOException {
    List<String> table = new ArrayList<>();
    table.add("| cache | file | RMS | largest difference |");
    table.add("|---|---|---|---|");
    LINES.values().forEach(table::addAll);
    Path folder = Files.createDirectories(Path.of("target/golden-reports"));
    Files.write(folder.resolve("cache-types.md"), table);
  }
}
