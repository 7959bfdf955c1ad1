package dev.slabstream.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// How long each phase of the start took, in the order in which they ran. Used by the thread that
/// starts.
final class LoadTimes {
  private final Map<String, Double> secondsByPhase = new LinkedHashMap<>();
  private long lastNanos = System.nanoTime();

  /// Ends a phase: it took the time since the one before it ended.
  void end(String phase) {
    long now = System.nanoTime();
    secondsByPhase.put(phase, (now - lastNanos) / 1e9);
    lastNanos = now;
  }

  Map<String, Double> secondsByPhase() {
    return Collections.unmodifiableMap(secondsByPhase);
  }
}
