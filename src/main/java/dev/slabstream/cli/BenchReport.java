package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.kernel.KernelInfo;
import dev.slabstream.kernel.MachineLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What `bench` found: the JSON output, and what the table shows.
///
/// @param weightsBytes weights as they are in the file; `packedBytes` of them, as they lie in memory,
///     are read by one pass
/// @param kvBytesPerPosition keys and values of one position, over all layers
/// @param weightType the type that most weights of the file have
/// @param cacheType how keys and values are stored
/// @param memoryGigabytesPerSecond the machine's limits, measured: see [MachineLimits]
/// @param notes what casts doubt on the shares of the limits; empty as a rule
record BenchReport(
    String model,
    String name,
    String weightType,
    String cacheType,
    long weightsBytes,
    long parameters,
    long packedBytes,
    long kvBytesPerPosition,
    String backend,
    int vectorBits,
    int threads,
    int batch,
    double memoryGigabytesPerSecond,
    double fmaGigaflops,
    double medianMemoryGigabytesPerSecond,
    double medianFmaGigaflops,
    String java,
    List<Row> results,
    List<String> notes) {
  /// Half of the probe's passes are expected to reach this share of the best.
  private static final double STEADY = 0.7;

  /// A share above this is no error of measurement.
  private static final double IMPLAUSIBLE_SHARE = 1.05;

  static BenchReport of(
      LoadedModel loaded, WeightSizes sizes, int batch, MachineLimits limits, List<Row> rows) {
    KernelInfo kernels = loaded.kernels().info();
    return new BenchReport(
        loaded.path().toString(),
        loaded.config().name(),
        loaded.quantization().name().toLowerCase(Locale.ROOT),
        loaded.slab().layout().type().name().toLowerCase(Locale.ROOT),
        sizes.fileBytes(),
        sizes.parameters(),
        loaded.model().cost().packedBytes(),
        kvBytesPerPosition(loaded),
        kernels.backend().name().toLowerCase(Locale.ROOT),
        kernels.vectorBits(),
        kernels.threads(),
        batch,
        limits.memoryGigabytesPerSecond(),
        limits.fmaGigaflops(),
        limits.medianMemoryGigabytesPerSecond(),
        limits.medianFmaGigaflops(),
        Runtime.version().toString(),
        List.copyOf(rows),
        notes(limits, rows));
  }

  static List<String> notes(MachineLimits limits, List<Row> rows) {
    List<String> notes = new ArrayList<>();
    if (limits.medianMemoryGigabytesPerSecond() < STEADY * limits.memoryGigabytesPerSecond()
        || limits.medianFmaGigaflops() < STEADY * limits.fmaGigaflops()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "the machine was busy during the probe: half of its passes read no more than %.1f GB/s of %.1f, or multiplied at no more"
                  + " than %.0f GFLOP/s of %.0f; limits may be too low, and shares too high",
              limits.medianMemoryGigabytesPerSecond(),
              limits.memoryGigabytesPerSecond(),
              limits.medianFmaGigaflops(),
              limits.fmaGigaflops()));
    }
    for (Row row : rows) {
      if (row.memoryShare() != null && row.memoryShare() > IMPLAUSIBLE_SHARE
          || row.fmaShare() > IMPLAUSIBLE_SHARE) {
        notes.add(
            row.test()
                + " was faster than the limit: the probe was disturbed, or the weights fit into the caches");
      }
    }
    return notes;
  }

  private static long kvBytesPerPosition(LoadedModel loaded) {
    return loaded.slab().layout().tokenBytes();
  }

  /// One test. Speeds are of all sequences together.
  ///
  /// @param tokensPerSecond the median of the samples; `min`, `max` and the deviation are theirs too
  /// @param bytesPerToken of generation: packed weights, keys and values that computing one token
  ///     reads. A prompt reads the weights from the caches too, so nothing is said there
  /// @param memoryShare of what the machine can read; 1 = all
  /// @param flopsPerToken operations of the matrix products and attention
  /// @param fmaShare of the multiply-adds that the machine can do; 1 = all
  record Row(
      String test,
      String kind,
      int tokens,
      int sequences,
      int depth,
      double tokensPerSecond,
      double min,
      double max,
      double medianAbsoluteDeviation,
      double[] samples,
      @Nullable Double bytesPerToken,
      @Nullable Double gigabytesPerSecond,
      @Nullable Double memoryShare,
      double flopsPerToken,
      double gigaflops,
      double fmaShare) {

    /// @param samples tokens per second
    static Row of(BenchTest test, double[] samples, LoadedModel loaded, MachineLimits limits) {
      SampleSummary summary = SampleSummary.of(samples);
      double flopsPerToken = test.flopsPerToken(loaded.model().cost());
      double gigaflops = flopsPerToken * summary.median() / 1e9;
      Double bytesPerToken =
          switch (test.kind()) {
            case PROMPT -> null;
            case GENERATION ->
                test.bytesPerToken(
                    loaded.model().cost(),
                    (double) kvBytesPerPosition(loaded) / loaded.config().numLayers());
          };
      Double gigabytes = bytesPerToken == null ? null : bytesPerToken * summary.median() / 1e9;
      return new Row(
          test.name(),
          test.kind().lowerCase(),
          test.tokens(),
          test.sequences(),
          test.depth(),
          summary.median(),
          summary.min(),
          summary.max(),
          summary.medianAbsoluteDeviation(),
          samples,
          bytesPerToken,
          gigabytes,
          gigabytes == null ? null : gigabytes / limits.memoryGigabytesPerSecond(),
          flopsPerToken,
          gigaflops,
          gigaflops / limits.fmaGigaflops());
    }
  }
}
