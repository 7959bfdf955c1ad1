package dev.slabstream.engine;

import java.time.Duration;

/// Until when a sequence has to be admitted, and until when it has to end: moments on the engine's clock, in nanoseconds.
///
/// @param admitBy [#NEVER] when it may wait for ever
/// @param endBy [#NEVER] when it may run for ever
public record Deadlines(long admitBy, long endBy) {
  /// A moment that does not come.
  public static final long NEVER = Long.MAX_VALUE;

  /// No limits.
  public static final Deadlines NONE = new Deadlines(NEVER, NEVER);

  /// Counted from when the request came.
  public static Deadlines after(long cameNanos, Duration maxQueueTime, Duration requestTimeout) {
    return new Deadlines(cameNanos + maxQueueTime.toNanos(), cameNanos + requestTimeout.toNanos());
  }

  /// By differences, because the clock may start anywhere.
  public static boolean isPast(long deadline, long nowNanos) {
    return deadline != NEVER && nowNanos - deadline >= 0;
  }

  static long earlier(long a, long b) {
    if (a == NEVER || b == NEVER) {
      return a == NEVER ? b : a;
    }
    return a - b < 0 ? a : b;
  }
}
