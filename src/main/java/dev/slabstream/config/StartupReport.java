package dev.slabstream.config;

import dev.slabstream.kernel.KernelInfo;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// What came up, for the log: one table.
final class StartupReport {
  private final LoadedModel loaded;
  private final Map<String, Double> secondsByPhase;

  /// @param times of the phases around the loading of `loaded`, which knows its own
  StartupReport(LoadedModel loaded, LoadTimes times) {
    this.loaded = loaded;
    this.secondsByPhase = new LinkedHashMap<>(loaded.secondsByPhase());
    times
        .secondsByPhase()
        .forEach(
            (phase, seconds) -> {
              if (!phase.equals("load")) {
                secondsByPhase.put(phase, seconds);
              }
            });
  }

  Map<String, Double> secondsByPhase() {
    return secondsByPhase;
  }

  @Override
  public String toString() {
    KernelInfo kernels = loaded.kernels().info();
    String seconds =
        secondsByPhase.entrySet().stream()
            .map(e -> e.getKey() + " " + seconds(e.getValue()))
            .collect(Collectors.joining(", "));
    double total = secondsByPhase.values().stream().mapToDouble(Double::doubleValue).sum();
    return """
        Ready
          model     %s (%s, %s), context %d tokens, from %s
          weights   %s packed
          slab      %s of %s, %d tokens in %d blocks (%s)
          kernels   %s, %d bits, %d threads (%s)
          seconds   %s, together %s"""
        .formatted(
            loaded.config().name(),
            loaded.config().architecture().name().toLowerCase(Locale.ROOT),
            loaded.quantization(),
            loaded.config().contextLength(),
            loaded.path(),
            megabytes(loaded.weightsBytes()),
            megabytes(loaded.slab().layout().slabBytes()),
            loaded.slab().layout().type().name().toLowerCase(Locale.ROOT),
            loaded.slabPlan().numTokens(),
            loaded.slab().layout().numBlocks(),
            loaded.slabPlan().reason(),
            kernels.backend().name().toLowerCase(Locale.ROOT),
            kernels.vectorBits(),
            kernels.threads(),
            kernels.reason(),
            seconds,
            seconds(total));
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  private static String seconds(double seconds) {
    return String.format(Locale.ROOT, "%.2f", seconds);
  }
}
