package dev.slabstream.cli;

import java.util.Arrays;

/// Samples of one measurement, in short.
///
/// @param medianAbsoluteDeviation the median of the distances from the median: the spread that a
///     single disturbed sample does not change
record SampleSummary(double median, double min, double max, double medianAbsoluteDeviation) {
  /// @param samples at least one
  static SampleSummary of(double[] samples) {
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    double median = median(sorted);
    double[] distances = Arrays.stream(sorted).map(each -> Math.abs(each - median)).toArray();
    Arrays.sort(distances);
    return new SampleSummary(median, sorted[0], sorted[sorted.length - 1], median(distances));
  }

  private static double median(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
