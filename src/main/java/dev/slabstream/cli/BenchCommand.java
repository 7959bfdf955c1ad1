package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.kernel.KernelInfo;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures the model as llama-bench does: tokens per second of prompts, and of generation one
/// token at a time, of random tokens, without tokenizer, sampling and scheduling.
@Command(
    name = "bench",
    description = "Measures prompt and generation speed, in tokens per second.",
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
  private static final long SEED = 1;
  private static final int MAX_TOKENS = 1 << 20;

  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();
  @Mixin private KernelOptions kernelOptions = new KernelOptions();

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
      names = {"-d", "--depth"},
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens that are in the cache before. Default: ${DEFAULT-VALUE}")
  private int depth;

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

  /// @param isPrompt all tokens at once, or one by one
  private record Test(boolean isPrompt, int tokens) {
    String name(int depth) {
      return (isPrompt ? "pp" : "tg") + tokens + (depth == 0 ? "" : " @ d" + depth);
    }
  }

  /// What is measured, and the ceiling beside it.
  private record Subject(LoadedModel loaded, WeightSizes sizes, double memorySpeed) {}

  /// @param min the slowest of the samples, `max` the fastest; `tokensPerSecond` is their median
  /// @param bytesPerToken weights as in the file, keys and values, that computing one token reads
  record Result(
      String test,
      int tokens,
      int depth,
      double tokensPerSecond,
      double min,
      double max,
      double[] samples,
      @Nullable Long bytesPerToken,
      @Nullable Double gigabytesPerSecond) {}

  /// @param memoryGigabytesPerSecond what so many threads can read here: see [MemoryProbe]
  record Report(
      String model,
      String name,
      long weightsBytes,
      long parameters,
      String backend,
      int vectorBits,
      int threads,
      int batch,
      double memoryGigabytesPerSecond,
      String java,
      List<Result> results) {}

  @Override
  public Integer call() {
    requireRange("--repetitions", repetitions, 1);
    requireRange("--warm-up", warmUp, 0);
    requireRange("--batch", batch, 1);
    requireRange("--depth", depth, 0);
    List<Test> tests = new ArrayList<>();
    promptTokens.forEach(tokens -> addTest(tests, "--prompt", true, tokens));
    generatedTokens.forEach(tokens -> addTest(tests, "--gen", false, tokens));
    WeightSizes sizes;
    try (Checkpoint checkpoint = modelOptions.open()) {
      sizes = WeightSizes.of(checkpoint.tensors());
    }
    int maxTokens = depth + tests.stream().mapToInt(Test::tokens).max().orElse(1);
    try (LoadedModel loaded = modelOptions.load(kernelOptions.settings(), maxTokens, batch)) {
      SingleSequence.requireFits(loaded.config(), maxTokens);
      int threads = loaded.kernels().info().threads();
      run(new Subject(loaded, sizes, MemoryProbe.gigabytesPerSecond(threads)), tests);
    }
    return 0;
  }

  private void run(Subject subject, List<Test> tests) {
    List<Result> results = new ArrayList<>();
    if (!json) {
      printHeader(subject);
    }
    for (Test test : tests) {
      Result result = measure(subject, test);
      results.add(result);
      if (!json) {
        printRow(result, subject.memorySpeed());
      }
    }
    if (json) {
      JsonOutput.print(console, report(subject, results));
    }
  }

  private static void addTest(List<Test> tests, String option, boolean isPrompt, int tokens) {
    requireRange(option, tokens, 0);
    if (tokens > 0) {
      tests.add(new Test(isPrompt, tokens));
    }
  }

  private static void requireRange(String option, int value, int min) {
    if (value < min || value > MAX_TOKENS) {
      throw new CliException(
          CliException.USAGE,
          "%s must be from %d to %d; got %d".formatted(option, min, MAX_TOKENS, value));
    }
  }

  private Result measure(Subject subject, Test test) {
    LoadedModel loaded = subject.loaded();
    for (int i = 0; i < warmUp; i++) {
      runNanos(loaded, test);
    }
    double[] speeds = new double[repetitions];
    for (int i = 0; i < repetitions; i++) {
      speeds[i] = test.tokens() * 1e9 / runNanos(loaded, test);
    }
    double[] sorted = speeds.clone();
    Arrays.sort(sorted);
    double median = (sorted[(repetitions - 1) / 2] + sorted[repetitions / 2]) / 2;
    if (test.isPrompt()) {
      return result(test, speeds, sorted, median, null);
    }
    // Keys and values grow during the run: the mean.
    long kvBytes = loaded.config().kvBytesPerToken() * (depth + (test.tokens() + 1L) / 2);
    return result(test, speeds, sorted, median, subject.sizes().perToken() + kvBytes);
  }

  private Result result(
      Test test, double[] speeds, double[] sorted, double median, @Nullable Long bytesPerToken) {
    return new Result(
        test.name(depth),
        test.tokens(),
        depth,
        median,
        sorted[0],
        sorted[sorted.length - 1],
        speeds,
        bytesPerToken,
        bytesPerToken == null ? null : bytesPerToken * median / 1e9);
  }

  private long runNanos(LoadedModel loaded, Test test) {
    SplittableRandom random = new SplittableRandom(SEED);
    int vocabSize = loaded.config().vocabSize();
    int[] before = randomIds(random, depth, vocabSize);
    int[] ids = randomIds(random, test.tokens(), vocabSize);
    try (SingleSequence sequence = new SingleSequence(loaded, depth + test.tokens(), batch)) {
      sequence.feed(before, (_, _, _, _, _) -> {});
      long start = System.nanoTime();
      if (test.isPrompt()) {
        sequence.feed(ids, (_, _, _, _, _) -> {});
      } else {
        for (int id : ids) {
          sequence.feed(new int[] {id}, (_, _, _, _, _) -> {});
        }
      }
      return System.nanoTime() - start;
    }
  }

  private static int[] randomIds(SplittableRandom random, int count, int vocabSize) {
    return IntStream.generate(() -> random.nextInt(vocabSize)).limit(count).toArray();
  }

  private Report report(Subject subject, List<Result> results) {
    LoadedModel loaded = subject.loaded();
    KernelInfo kernels = loaded.kernels().info();
    return new Report(
        loaded.path().toString(),
        loaded.config().name(),
        subject.sizes().bytes(),
        subject.sizes().parameters(),
        kernels.backend().name().toLowerCase(Locale.ROOT),
        kernels.vectorBits(),
        kernels.threads(),
        batch,
        subject.memorySpeed(),
        Runtime.version().toString(),
        results);
  }

  private void printHeader(Subject subject) {
    KernelInfo kernels = subject.loaded().kernels().info();
    console
        .out()
        .printf(
            Locale.ROOT,
            "%s: %.1f MB, %.1f M parameters%n%s, %d bits, %d threads; they read memory at %.1f"
                + " GB/s%n%n",
            subject.loaded().config().name(),
            subject.sizes().bytes() / 1e6,
            subject.sizes().parameters() / 1e6,
            kernels.backend().name().toLowerCase(Locale.ROOT),
            kernels.vectorBits(),
            kernels.threads(),
            subject.memorySpeed());
    console
        .out()
        .println(
            "| test             |   tokens/s |        min |        max |   GB/s | of memory |");
    console
        .out()
        .println(
            "|------------------|-----------:|-----------:|-----------:|-------:|----------:|");
    console.out().flush();
  }

  private void printRow(Result result, double memorySpeed) {
    Double bandwidth = result.gigabytesPerSecond();
    console
        .out()
        .printf(
            Locale.ROOT,
            "| %-16s | %10.2f | %10.2f | %10.2f | %6s | %9s |%n",
            result.test(),
            result.tokensPerSecond(),
            result.min(),
            result.max(),
            bandwidth == null ? "" : String.format(Locale.ROOT, "%.1f", bandwidth),
            bandwidth == null
                ? ""
                : String.format(Locale.ROOT, "%.0f %%", 100 * bandwidth / memorySpeed));
    console.out().flush();
  }
}
