package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/// `bench` on a tiny model: that it measures what was asked, and that its numbers fit each other.
class BenchCommandTest {
  private static final String TINY = "src/test/resources/reference/tiny/llama-a/llama-a-F32.gguf";

  @Test
  void measuresEveryTestAsOftenAsAsked() {
    Run run =
        Run.of(
            "bench",
            "-m",
            TINY,
            "-p",
            "8,16",
            "-n",
            "4",
            "-s",
            "1,3",
            "-d",
            "0,5",
            "-b",
            "6",
            "-r",
            "3",
            "--threads",
            "2",
            "--json");

    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).hasValue(0);
    JsonNode report = run.json();
    assertThat(report.get("results"))
        .extracting(result -> result.get("test").asString())
        .containsExactly(
            "pp8", "pp16", "tg4", "tg4 x3", "pp8 @ d5", "pp16 @ d5", "tg4 @ d5", "tg4 x3 @ d5");
    for (JsonNode result : report.get("results")) {
      assertThat(result.get("samples")).hasSize(3);
      assertThat(result.get("min").asDouble()).isPositive();
      assertThat(result.get("tokens_per_second").asDouble())
          .isBetween(result.get("min").asDouble(), result.get("max").asDouble());
      assertThat(result.get("median_absolute_deviation").asDouble())
          .isBetween(0.0, result.get("max").asDouble() - result.get("min").asDouble());
      assertThat(result.has("gigabytes_per_second"))
          .isEqualTo(result.get("kind").asString().equals("generation"));
      assertRate(result, "flops_per_token", "gigaflops");
      assertShare(report, result, "gigaflops", "fma_gigaflops", "fma_share");
    }
  }

  @Test
  void bytesAreThoseOfThePackedWeightsAndOfTheCache() {
    JsonNode report =
        Run.of(
                "bench",
                "-m",
                TINY,
                "-p",
                "0",
                "-n",
                "4",
                "-s",
                "1,2",
                "-d",
                "5",
                "-r",
                "1",
                "--kv-cache-type=f32",
                "--json")
            .json();

    // Three layers of q, k, v, o, gate, up and down, and the head; F32.
    long packed = 4L * (3 * (64 * 128 + 64 * 64 + 3 * 64 * 160) + 512 * 64);
    // Keys and values of 3 layers, 2 heads of 16.
    long perPosition = 2 * 3 * 2 * 16 * 4;
    assertThat(report.get("packed_bytes").asLong()).isEqualTo(packed);
    assertThat(report.get("kv_bytes_per_position").asLong()).isEqualTo(perPosition);
    // Positions 5 to 8 see 6 to 9.
    assertThat(report.get("results").get(0).get("bytes_per_token").asDouble())
        .isEqualTo(packed + 7.5 * perPosition);
    assertThat(report.get("results").get(1).get("bytes_per_token").asDouble())
        .isEqualTo(packed / 2.0 + 7.5 * perPosition);
    for (JsonNode result : report.get("results")) {
      assertRate(result, "bytes_per_token", "gigabytes_per_second");
      assertShare(
          report, result, "gigabytes_per_second", "memory_gigabytes_per_second", "memory_share");
    }
  }

  private static void assertRate(JsonNode result, String perToken, String perNanosecond) {
    assertThat(result.get(perNanosecond).asDouble())
        .isPositive()
        .isCloseTo(
            result.get(perToken).asDouble() * result.get("tokens_per_second").asDouble() / 1e9,
            within(1e-9));
  }

  private static void assertShare(
      JsonNode report, JsonNode result, String rate, String limit, String share) {
    assertThat(result.get(share).asDouble())
        .isCloseTo(result.get(rate).asDouble() / report.get(limit).asDouble(), within(1e-9));
  }

  @Test
  void saysWhatComputes() {
    JsonNode report =
        Run.of(
                "bench",
                "-m",
                TINY,
                "-p",
                "0",
                "-n",
                "1",
                "-r",
                "1",
                "-t",
                "2",
                "--backend",
                "scalar",
                "--json")
            .json();

    assertThat(report.get("weight_type").asString()).isEqualTo("f32");
    assertThat(report.get("cache_type").asString()).isEqualTo("q8");
    assertThat(report.get("backend").asString()).isEqualTo("scalar");
    assertThat(report.get("vector_bits").asInt()).isZero();
    assertThat(report.get("threads").asInt()).isEqualTo(2);
    assertThat(report.get("memory_gigabytes_per_second").asDouble()).isPositive();
    assertThat(report.get("fma_gigaflops").asDouble()).isPositive();
    assertThat(report.get("median_fma_gigaflops").asDouble())
        .isPositive()
        .isLessThanOrEqualTo(report.get("fma_gigaflops").asDouble());
    assertThat(report.get("notes").isArray()).isTrue();
  }

  @Test
  void printsATable() {
    Run run = Run.of("bench", "-m", TINY, "-p", "8", "-n", "0", "-r", "1", "--warm-up", "0");

    assertThat(run.out().lines().filter(line -> line.startsWith("|"))).hasSize(3);
    assertThat(run.out()).contains("pp8", "GB/s", "GFLOP/s", "packed weights").doesNotContain("tg");
    assertThat(run.out().toLowerCase(Locale.ROOT)).contains("llama");
  }

  @Test
  void refusesToMeasureNothing() {
    Run run = Run.of("bench", "-m", TINY, "-p", "0", "-n", "0,0");

    assertThat(run.exitCode()).hasValue(2);
    assertThat(run.err()).contains("nothing to measure: --prompt and --gen are both 0");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void refusesMoreTokensThanTheContextBeforeItMeasures() {
    Run run = Run.of("bench", "-m", TINY, "-p", "16", "-n", "0", "-d", "0,500");

    assertThat(run.exitCode()).hasValue(2);
    assertThat(run.err()).contains("516 tokens are more than the model's context of 512");
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "-s, '1,0', --sequences must be from 1 to 1024; got 0",
    "-d, -1, --depth must be from 0 to 1048576; got -1",
    "-p, 2000000, --prompt must be from 0 to 1048576; got 2000000",
    "-n, -4, --gen must be from 0 to 1048576; got -4",
    "-b, 0, --batch must be from 1 to 1048576; got 0",
    "-r, 0, --repetitions must be from 1 to 1048576; got 0",
    "--warm-up, -1, --warm-up must be from 0 to 1048576; got -1",
  })
  void refusesWhatIsOutOfRange(String option, String value, String message) {
    Run run = Run.of("bench", "-m", TINY, option + "=" + value);

    assertThat(run.exitCode()).hasValue(2);
    assertThat(run.err()).contains(message);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void theHelpExplainsTestsAndColumns() {
    String help = Run.of("bench", "--help").out();

    assertThat(help)
        .contains("tg128 x8 @ d4000", "--sequences", "% memory ", "% FMA ", "GFLOP/s", "median");
  }
}
