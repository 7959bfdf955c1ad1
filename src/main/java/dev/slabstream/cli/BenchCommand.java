package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.kernel.MachineLimits;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures the model as llama-bench does: tokens per second of prompts, and of generation one token
/// at a time, of one sequence or several at once, beside what the machine can do at most.
@Command(
    name = "bench",
    description = {
      "Measures prompt and generation speed, and how far it is from the machine's limits.",
      "",
      "Tests are named as in llama-bench:",
      "  pp512              a prompt of 512 tokens",
      "  tg128 x8 @ d4000   128 tokens, one at a time, in each of 8 sequences at once,",
      "                     with 4000 tokens in the cache before",
      "Every prompt length and number of tokens is measured at every depth, generation with every"
          + " number of sequences. Tokens are random; there is no tokenizer, sampling or scheduling.",
      ""
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Columns (--json has the same and more):",
      "  tokens/s   median of the repetitions, all sequences together; then minimum,",
      "             maximum and median absolute deviation",
      "  GB/s       packed weights, keys and values read, of generation; one pass over",
      "             the weights serves all sequences of a step",
      "  GFLOP/s    two operations for each weight used, and for each multiply-add of",
      "             attention",
      "  %% memory   share of what the same threads reach when they only read memory",
      "  %% FMA      share of what they reach when they only multiply and add, in",
      "             registers, at the same vector width",
      "A probe at the start finds these limits. Generation is bound by the first, prompts by the"
          + " second."
    })
final class BenchCommand implements Callable<Integer> {
  private static final int MAX_TOKENS = 1 << 20;
  private static final int MAX_SEQUENCES = 1024;

  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();
  @Mixin private KernelOptions kernelOptions = new KernelOptions();
  @Mixin private CacheOptions cacheOptions = new CacheOptions();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "N",
      split = ",",
      defaultValue = "512",
      description = "Lengths of prompts; 0 = none. Default: ${DEFAULT-VALUE}")
  private List<Integer> promptTokens = List.of();

  @Option(
      names = {"-n", "--gen"},
      paramLabel = "N",
      split = ",",
      defaultValue = "128",
      description = "Numbers of tokens to generate; 0 = none. Default: ${DEFAULT-VALUE}")
  private List<Integer> generatedTokens = List.of();

  @Option(
      names = {"-s", "--sequences"},
      paramLabel = "N",
      split = ",",
      defaultValue = "1",
      description =
          "Sequences that generate at once, one token each in a step. Default: ${DEFAULT-VALUE}")
  private List<Integer> sequences = List.of();

  @Option(
      names = {"-d", "--depth"},
      paramLabel = "N",
      split = ",",
      defaultValue = "0",
      description =
          "Positions that each sequence has in the cache before; what they hold is not computed."
              + " Default: ${DEFAULT-VALUE}")
  private List<Integer> depths = List.of();

  @Option(
      names = {"-b", "--batch"},
      paramLabel = "N",
      defaultValue = "512",
      description = "Tokens of a prompt in one step at most. Default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      defaultValue = "5",
      description = "Measurements of each. Default: ${DEFAULT-VALUE}")
  private int repetitions;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "2",
      description = "Runs of each before measuring, for the compiler. Default: ${DEFAULT-VALUE}")
  private int warmUp;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  BenchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    requireRange("--repetitions", repetitions, 1, MAX_TOKENS);
    requireRange("--warm-up", warmUp, 0, MAX_TOKENS);
    requireRange("--batch", batch, 1, MAX_TOKENS);
    List<BenchTest> tests = tests();
    WeightSizes sizes;
    try (Checkpoint checkpoint = modelOptions.open()) {
      sizes = WeightSizes.of(checkpoint.tensors(), kernelOptions.settings());
    }
    int maxSequences = tests.stream().mapToInt(BenchTest::sequences).max().orElse(1);
    long maxPositions = tests.stream().mapToLong(BenchTest::positions).max().orElse(1);
    try (LoadedModel loaded =
        modelOptions.load(
            kernelOptions.settings(), cacheOptions.type(), maxSequences, maxPositions, batch)) {
      SingleSequence.requireFits(loaded.config(), (int) maxPositions);
      run(loaded, sizes, tests);
    }
    return 0;
  }

  private List<BenchTest> tests() {
    requireAll("--prompt", promptTokens, 0, MAX_TOKENS);
    requireAll("--gen", generatedTokens, 0, MAX_TOKENS);
    requireAll("--sequences", sequences, 1, MAX_SEQUENCES);
    requireAll("--depth", depths, 0, MAX_TOKENS);
    List<BenchTest> tests = new ArrayList<>();
    for (int depth : depths) {
      for (int tokens : promptTokens) {
        tests.add(new BenchTest(BenchTest.Kind.PROMPT, tokens, 1, depth));
      }
      for (int tokens : generatedTokens) {
        for (int count : sequences) {
          tests.add(new BenchTest(BenchTest.Kind.GENERATION, tokens, count, depth));
        }
      }
    }
    tests.removeIf(test -> test.tokens() == 0);
    if (tests.isEmpty()) {
      throw new CliException(
          CliException.USAGE, "nothing to measure: --prompt and --gen are both 0");
    }
    return tests;
  }

  private void run(LoadedModel loaded, WeightSizes sizes, List<BenchTest> tests) {
    MachineLimits limits = MachineLimits.measure(loaded.kernels().info());
    BenchTable table = new BenchTable(console.out());
    if (!json) {
      table.printHeader(BenchReport.of(loaded, sizes, batch, limits, List.of()));
    }
    BenchRun run = new BenchRun(loaded, batch);
    List<BenchReport.Row> rows = new ArrayList<>();
    for (BenchTest test : tests) {
      BenchReport.Row row = BenchReport.Row.of(test, samples(run, test), loaded, limits);
      rows.add(row);
      if (!json) {
        table.printRow(row);
      }
    }
    BenchReport report = BenchReport.of(loaded, sizes, batch, limits, rows);
    if (json) {
      JsonOutput.print(console, report);
    } else {
      table.printNotes(report);
    }
  }

  private double[] samples(BenchRun run, BenchTest test) {
    for (int i = 0; i < warmUp; i++) {
      run.nanos(test);
    }
    double[] tokensPerSecond = new double[repetitions];
    for (int i = 0; i < repetitions; i++) {
      tokensPerSecond[i] = test.totalTokens() * 1e9 / run.nanos(test);
    }
    return tokensPerSecond;
  }

  private static void requireAll(String option, List<Integer> values, int min, int max) {
    values.forEach(value -> requireRange(option, value, min, max));
  }

  private static void requireRange(String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new CliException(
          CliException.USAGE,
          "%s must be from %d to %d; got %d".formatted(option, min, max, value));
    }
  }
}
