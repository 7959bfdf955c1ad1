package dev.slabstream.engine;

/// How fast a queue drains: what was admitted from it for each unit of time in which something waited. Time in which nothing waited
/// says nothing about it, nor does who left without being admitted: that its clients give up does not make a server faster. The last
/// [#WINDOW_NANOS] of such time count; what was before fades with each that is admitted. Not thread-safe.
final class DrainRate {
  static final double WINDOW_NANOS = 30e9;
  private static final double NANOS_PER_SECOND = 1e9;

  private double requests;
  private double tokens;
  private double nanos;

  /// Something waited for `elapsedNanos`.
  void waited(long elapsedNanos) {
    nanos += elapsedNanos;
  }

  /// A request with a prompt of `promptTokens` was.
  void admitted(int promptTokens) {
    requests++;
    tokens += promptTokens;
    if (nanos > WINDOW_NANOS) {
      double kept = WINDOW_NANOS / nanos;
      requests *= kept;
      tokens *= kept;
      nanos = WINDOW_NANOS;
    }
  }

  /// How long it takes until `waiting` requests have been admitted. While none was yet, the next one counts as admitted now: an
  /// estimate that grows as long as nothing moves.
  double secondsForRequests(int waiting) {
    double admitted = requests == 0 ? 1 : requests;
    return waiting * nanos / admitted / NANOS_PER_SECOND;
  }

  /// How long it takes until prompts of `waiting` tokens have been admitted, `requests` of them.
  double secondsForTokens(long waiting, int waitingRequests) {
    return tokens == 0
        ? secondsForRequests(waitingRequests)
        : waiting * nanos / tokens / NANOS_PER_SECOND;
  }
}
