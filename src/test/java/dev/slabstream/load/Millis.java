package dev.slabstream.load;

import java.util.List;

/// Durations in milliseconds, in ascending order.
record Millis(double[] sorted) {
  static Millis ofNanos(List<Long> nanos) {
    return new Millis(nanos.stream().mapToDouble(each -> each / 1e6).sorted().toArray());
  }

  double median() {
    return quantile(0.5);
  }

  double p99() {
    return quantile(0.99);
  }

  double most() {
    return quantile(1);
  }

  /// The nearest rank; NaN of none.
  private double quantile(double q) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[Math.max(0, (int) Math.ceil(q * sorted.length) - 1)];
  }
}
