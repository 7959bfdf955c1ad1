package dev.slabstream.observability;

import java.time.Duration;
import java.util.function.Supplier;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/// The watchdog behind the liveness probe: down once the engine has been silent for longer than a
/// threshold although it has work. The engine gives a sign of life with every layer that it
/// computes, so neither load nor a long prompt nor a slow model is taken for a hang, and an idle
/// engine owes none. Up while there is no engine yet: how long the start may take is the startup
/// probe's affair. Thread-safe.
public final class EngineHealthIndicator implements HealthIndicator {
  private final Duration stuckAfter;
  private volatile Supplier<Duration> silence = () -> Duration.ZERO;

  public EngineHealthIndicator(Duration stuckAfter) {
    this.stuckAfter = stuckAfter;
  }

  /// From now on there is an engine to watch.
  ///
  /// @param silence how long it has been silent although it has work
  public void watch(Supplier<Duration> silence) {
    this.silence = silence;
  }

  @Override
  public Health health() {
    Duration silent = silence.get();
    if (silent.compareTo(stuckAfter) <= 0) {
      return Health.up().build();
    }
    return Health.down()
        .withDetail(
            "reason",
            "the engine has work and has shown no sign of life for %d s, more than slabstream.health.stuck-after (%s)"
                .formatted(silent.toSeconds(), stuckAfter))
        .build();
  }
}
