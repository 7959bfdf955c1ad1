package dev.slabstream.engine;

import java.util.function.LongSupplier;

/// When the engine's thread last got on: it beats before each step, after each layer of a forward pass and with each row of logits,
/// and rests while it is parked. So a large chunk, a full batch or a slow model beat on, and only what hangs falls silent.
///
/// Written by the engine's thread, read by any. A beat reads the clock and writes one field: tens of nanoseconds, no allocation.
final class Heartbeat {
  private static final long RESTING = Long.MIN_VALUE;

  private final LongSupplier nanoClock;
  private volatile long lastNanos = RESTING;

  Heartbeat(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  void beat() {
    lastNanos = nanoClock.getAsLong();
  }

  /// There is nothing to do: no beat is due until the next one.
  void rest() {
    lastNanos = RESTING;
  }

  /// Nanoseconds since the last beat; 0 while it rests.
  long silenceNanos() {
    long last = lastNanos;
    return last == RESTING ? 0 : Math.max(0, nanoClock.getAsLong() - last);
  }
}
