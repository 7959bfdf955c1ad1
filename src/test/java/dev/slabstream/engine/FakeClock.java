package dev.slabstream.engine;

import java.util.function.LongSupplier;

/// Time that passes when a test says so.
final class FakeClock implements LongSupplier {
  private long nanos = 1000;

  /// The time cannot be told from the call on that so many come before, for `failures` calls.
  int goodCalls;

  int failures;

  void advance(long nanos) {
    this.nanos += nanos;
  }

  @Override
  public long getAsLong() {
    if (failures > 0 && goodCalls-- <= 0) {
      failures--;
      throw new OutOfMemoryError("injected");
    }
    return nanos;
  }
}
