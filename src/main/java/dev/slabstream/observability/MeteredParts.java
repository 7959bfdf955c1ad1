package dev.slabstream.observability;

import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.generation.SessionStats;
import dev.slabstream.kvcache.KvStats;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;

/// What the gauges look at once there is a model: pictures of the parts, and facts that do not
/// change.
///
/// @param silence how long the engine has been silent although it has work
/// @param startupSeconds how long each phase of the start took
public record MeteredParts(
    Supplier<EngineStats> engine,
    Supplier<Duration> silence,
    Supplier<QueueStats> queue,
    Supplier<KvStats> slab,
    Supplier<SessionStats> sessions,
    ModelFacts model,
    Map<String, Double> startupSeconds) {

  /// The tags of [Meter#MODEL_INFO].
  public record ModelFacts(
      String model,
      String architecture,
      String quantization,
      String backend,
      int vectorBits,
      int threads) {}
}
