package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// How near the logits are to the double-precision reference, type by type, beside llama.cpp on the
/// same files. Writes the table of `docs/performance.md` to `target/golden-reports/fidelity.md`.
class FidelityTest {
  /// llama.cpp rounds activations to 8 bits where weights are quantised; activations here stay
  /// floats.
  private static final double QUANTISED_RATIO = 10;

  /// Root mean square difference of types that lose nothing, in standard deviations.
  private static final double PLAIN_RMS = 1e-4;

  private static final Set<String> PLAIN = Set.of("F32", "F16", "BF16");

  private static final List<Line> LINES = new ArrayList<>();

  /// @param llamaCppRms what the reference measured of llama.cpp, with its 16-bit cache
  private record Line(String type, String model, LogitErrors errors, double llamaCppRms) {
    double ratio() {
      return llamaCppRms / errors.rms();
    }
  }

  static Stream<GoldenFile> filesThatLlamaCppReads() {
    return Stream.concat(
        GoldenFile.tiny().stream().filter(golden -> llamaCpp(golden).isNumber()),
        Stream.of(GoldenFile.smolLm2()));
  }

  @ParameterizedTest
  @MethodSource("filesThatLlamaCppReads")
  void logitsAreNearerToTheReferenceThanLlamaCpps(GoldenFile golden) {
    String type = golden.name().substring(golden.name().indexOf('/') + 1);
    String model = golden.name().substring(0, golden.name().indexOf('/'));
    LogitErrors errors;
    try (Kernels kernels = TestBackend.VECTOR.open(2);
        Loaded loaded = TestModels.load(golden.path(), kernels, 16)) {
      errors = LogitErrors.of(loaded, golden);
    }
    Line line = new Line(type, model, errors, llamaCpp(golden).asDouble());
    LINES.add(line);

    assertThat(errors.rms()).as("it was compared").isPositive();
    if (PLAIN.contains(type)) {
      assertThat(errors.rms()).isLessThan(PLAIN_RMS);
    } else {
      assertThat(line.ratio()).isGreaterThan(QUANTISED_RATIO);
    }
  }

  @Test
  void everyTypeIsThere() {
    assertThat(filesThatLlamaCppReads().map(golden -> golden.name().replaceAll(".*/", "")))
        .contains(
            "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K");
  }

  @Test
  void errorsAreInStandardDeviations() {
    // Mean 4, standard deviation 2; differences 1, 0, 0, -2.
    float[] expected = {99, 2, 6, 2, 6};

    LogitErrors errors = LogitErrors.ofRow(expected, 1, new float[] {1, 6, 2, 8});

    assertThat(errors.rms()).isCloseTo(Math.sqrt(5 / 4.0) / 2, within(1e-12));
    assertThat(errors.max()).isEqualTo(1);
    assertThat(
            LogitErrors.NONE.and(LogitErrors.ofRow(expected, 1, new float[] {1, 6, Float.NaN, 8})))
        .satisfies(nan -> assertThat(nan.max()).isNaN())
        .satisfies(nan -> assertThat(nan.rms()).isNaN());
  }

  @AfterAll
  static void report() throws IOException {
    var byType = new TreeMap<String, List<Line>>();
    LINES.forEach(line -> byType.computeIfAbsent(line.type(), _ -> new ArrayList<>()).add(line));
    List<String> table = new ArrayList<>();
    table.add("| file type | models | largest difference | RMS | llama.cpp's RMS | nearer by |");
    table.add("|---|---|---|---|---|---|");
    byType.values().stream()
        .sorted(Comparator.comparing(lines -> !PLAIN.contains(lines.getFirst().type())))
        .forEach(lines -> table.add(row(lines)));
    Path folder = Files.createDirectories(Path.of("target/golden-reports"));
    Files.write(folder.resolve("fidelity.md"), table);
  }

  /// The worst of all models of a type.
  private static String row(List<Line> lines) {
    LogitErrors worst = lines.stream().map(Line::errors).reduce(LogitErrors.NONE, LogitErrors::and);
    return String.format(
        Locale.ROOT,
        "| %s | %d | %.1e | %.1e | %.1e | %.0f |",
        lines.getFirst().type(),
        lines.size(),
        worst.max(),
        worst.rms(),
        lines.stream().mapToDouble(Line::llamaCppRms).max().orElseThrow(),
        lines.stream().mapToDouble(Line::ratio).min().orElseThrow());
  }

  private static JsonNode llamaCpp(GoldenFile golden) {
    if (golden.name().startsWith("smollm2/")) {
      return json("smollm2/index.json").at("/llama_cpp/english/logits_rms_diff_over_std");
    }
    return json("tiny/" + golden.name().replace("/", "/goldens/") + ".json")
        .path("llama_cpp_rms_diff_over_std");
  }

  private static JsonNode json(String name) {
    return JsonMapper.shared().readTree(TestModels.reference(name).toFile());
  }
}
