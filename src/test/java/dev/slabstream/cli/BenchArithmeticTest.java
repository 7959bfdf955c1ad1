package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.slabstream.cli.BenchTest.Kind;
import dev.slabstream.kernel.MachineLimits;
import dev.slabstream.model.ForwardCost;
import dev.slabstream.model.ModelConfig;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Names, statistics, and what is derived from a time.
class BenchArithmeticTest {
  /// Two layers of 2 heads of 8.
  private static final ForwardCost COST =
      new ForwardCost(
          new ModelConfig(
              ModelConfig.Architecture.LLAMA,
              "counted",
              2,
              16,
              2,
              1,
              8,
              32,
              64,
              128,
              1e-5f,
              10000f,
              new float[0],
              0,
              0),
          1000,
          100,
          50,
          4000);

  @Test
  void testsAreNamedAsInLlamaBench() {
    assertThat(new BenchTest(Kind.PROMPT, 512, 1, 0).name()).isEqualTo("pp512");
    assertThat(new BenchTest(Kind.GENERATION, 128, 8, 4000).name()).isEqualTo("tg128 x8 @ d4000");
  }

  @Test
  void theMedianOfAnEvenNumberOfSamplesLiesBetweenTheMiddleTwo() {
    assertThat(SampleSummary.of(new double[] {8, 1, 2, 3}))
        .isEqualTo(new SampleSummary(2.5, 1, 8, 1));
  }

  @Test
  void oneDisturbedSampleDoesNotChangeTheSpread() {
    assertThat(SampleSummary.of(new double[] {10, 12, 11, 1000, 9}))
        .isEqualTo(new SampleSummary(11, 9, 1000, 1));
    assertThat(SampleSummary.of(new double[] {7})).isEqualTo(new SampleSummary(7, 7, 7, 0));
  }

  @Test
  void sequencesThatGenerateTogetherShareOnePassOverTheWeights() {
    BenchTest one = new BenchTest(Kind.GENERATION, 3, 1, 4);
    BenchTest eight = new BenchTest(Kind.GENERATION, 3, 8, 4);

    // Positions 4, 5, 6 see 5, 6, 7: a mean of 6 in each of two layers.
    assertThat(one.bytesPerToken(COST, 10)).isEqualTo(4000 + 2 * 6 * 10);
    assertThat(eight.bytesPerToken(COST, 10)).isEqualTo(500 + 2 * 6 * 10);
    assertThat(eight.totalTokens()).isEqualTo(24);
    assertThat(eight.flopsPerToken(COST)).isEqualTo(one.flopsPerToken(COST));
  }

  @Test
  void aGeneratedTokenUsesAllWeightsAndOneOfAPromptDoesNot() {
    double attention = 4.0 * 2 * 6 * 2 * 8;

    assertThat(new BenchTest(Kind.GENERATION, 3, 1, 4).flopsPerToken(COST))
        .isEqualTo(2 * 1050 + attention);
    assertThat(new BenchTest(Kind.PROMPT, 3, 1, 4).flopsPerToken(COST))
        .isCloseTo(COST.flops(4, 3, 1) / 3.0, within(1e-9))
        .isLessThan(new BenchTest(Kind.GENERATION, 3, 1, 4).flopsPerToken(COST));
  }

  @Test
  void theTableSaysWhatBoundsEachRow() {
    StringWriter out = new StringWriter();
    BenchTable table = new BenchTable(new PrintWriter(out));
    BenchReport.Row prompt =
        new BenchReport.Row(
            "pp8",
            "prompt",
            8,
            1,
            0,
            1000,
            900,
            1100,
            50,
            new double[3],
            null,
            null,
            null,
            1e6,
            50,
            0.25);
    BenchReport.Row generation =
        new BenchReport.Row(
            "tg4",
            "generation",
            4,
            1,
            0,
            100,
            90,
            110,
            5,
            new double[3],
            2e8,
            20.0,
            0.5,
            1e6,
            1.5,
            0.0075);
    table.printHeader(
        new BenchReport(
            "/m",
            "m",
            "q4_1",
            "q8",
            90_000_000,
            134_500_000,
            100_000_000,
            46_080,
            "vector",
            256,
            2,
            512,
            40,
            200,
            38,
            190,
            "25",
            List.of(),
            List.of()));
    table.printRow(prompt);
    table.printRow(generation);

    List<String> lines = out.toString().lines().toList();
    assertThat(lines.get(0))
        .isEqualTo("m: 134.5 M parameters, q4_1, 90.0 MB in the file; cache of type q8");
    assertThat(lines.get(1))
        .isEqualTo(
            "vector, 256 bits, 2 threads; limits of this machine: memory 40.0 GB/s, FMA 200 GFLOP/s");
    assertThat(lines.get(2))
        .isEqualTo(
            "a token reads 100.0 MB of packed weights, and 46.1 KB for each position in the cache:"
                + " at most 400 tokens/s of one short sequence");
    assertThat(lines.subList(4, 8))
        .allSatisfy(line -> assertThat(line).hasSize(lines.get(4).length()));
    assertThat(cells(lines.get(6)))
        .containsExactly("pp8", "1000.00", "900.00", "1100.00", "50.00", "", "", "50.0", "25.0");
    assertThat(cells(lines.get(7)))
        .containsExactly("tg4", "100.00", "90.00", "110.00", "5.00", "20.0", "50.0", "1.5", "0.8");
  }

  @Test
  void aProbeWhosePassesDisagreeAndARowBeyondTheLimitAreSaid() {
    BenchReport.Row prompt = row("pp8", null, 1.06);
    BenchReport.Row within = row("tg4", 1.04, 0.1);
    BenchReport.Row beyond = row("tg8", 1.06, 0.1);
    MachineLimits steady = new MachineLimits(40, 200, 29, 141);
    MachineLimits busyMemory = new MachineLimits(40, 200, 27, 200);
    MachineLimits busyCores = new MachineLimits(40, 200, 40, 139);

    assertThat(BenchReport.notes(steady, List.of(within))).isEmpty();
    assertThat(BenchReport.notes(steady, List.of(prompt, within, beyond)))
        .satisfiesExactly(
            note -> assertThat(note).startsWith("pp8 was faster than the limit"),
            note -> assertThat(note).startsWith("tg8 was faster than the limit"));
    assertThat(BenchReport.notes(busyMemory, List.of()))
        .singleElement(STRING)
        .contains("27.0 GB/s of 40.0");
    assertThat(BenchReport.notes(busyCores, List.of()))
        .singleElement(STRING)
        .contains("139 GFLOP/s of 200");
  }

  private static BenchReport.Row row(String test, @Nullable Double memoryShare, double fmaShare) {
    return new BenchReport.Row(
        test, "", 8, 1, 0, 1, 1, 1, 0, new double[1], null, null, memoryShare, 1, 1, fmaShare);
  }

  private static String[] cells(String line) {
    return line.substring(1, line.length() - 1).strip().split("\\s*\\|\\s*", -1);
  }
}
