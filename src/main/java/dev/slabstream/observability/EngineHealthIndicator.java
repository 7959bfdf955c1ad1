package dev.slabstream.observability;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/// The watchdog behind the liveness probe: down once the engine, or the tokenizer before it, has been
/// silent for longer than a threshold although it has work. The engine gives a sign of life with
/// every layer that it computes and the tokenizer with every prompt, so neither load nor a long
/// prompt nor a slow model is taken for a hang, and who is idle owes none. Up while there is nothing
/// to watch yet: how long the start may take is the startup probe's affair. Thread-safe.
public final class EngineHealthIndicator implements HealthIndicator {
  private final Duration stuckAfter;
  private final List<Watched> watched = new CopyOnWriteArrayList<>();

  private record Watched(String name, Supplier<Duration> silence) {}

  public EngineHealthIndicator(Duration stuckAfter) {
    this.stuckAfter = stuckAfter;
  }

  /// From now on there is something more to watch.
  ///
  /// @param name what it is, for the reply of the probe
  /// @param silence how long it has been silent although it has work
  public void watch(String name, Supplier<Duration> silence) {
    watched.add(new Watched(name, silence));
  }

  @Override
  public Health health() {
    for (Watched part : watched) {
      Duration silent = part.silence().get();
      if (silent.compareTo(stuckAfter) > 0) {
        return Health.down().withDetail("reason", reason(part.name(), silent)).build();
      }
    }
    return Health.up().build();
  }

  private String reason(String name, Duration silent) {
    return "%s has work and has shown no sign of life for %d s, more than slabstream.health.stuck-after (%s)"
        .formatted(name, silent.toSeconds(), stuckAfter);
  }
}
