package dev.slabstream.engine;

import java.util.function.LongSupplier;

/// Time that passes when a test says so.
final class FakeClock implements LongSupplier {
  private long nanos = 1000;

  void advance(long nanos) {
    this.nanos += nanos;
  }

  @Override
  public long getAsLong() {
    return nanos;
  }
}
