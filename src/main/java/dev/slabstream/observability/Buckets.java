package dev.slabstream.observability;

import java.time.Duration;
import java.util.stream.DoubleStream;

/// The upper bounds of a histogram's buckets.
enum Buckets {
  /// No histogram.
  NONE,
  /// Seconds, from half a millisecond to five minutes: a token of a tiny model, and a long prompt
  /// of a large one.
  DURATIONS(
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
      300),
  /// Counts, in powers of two.
  COUNTS(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);

  private final double[] bounds;

  Buckets(double... bounds) {
    this.bounds = bounds;
  }

  double[] numbers() {
    return bounds.clone();
  }

  Duration[] durations() {
    return DoubleStream.of(bounds)
        .mapToObj(seconds -> Duration.ofNanos(Math.round(seconds * 1e9)))
        .toArray(Duration[]::new);
  }
}
