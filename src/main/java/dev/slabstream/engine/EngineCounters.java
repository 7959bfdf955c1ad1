package dev.slabstream.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/// What [EngineStats] counts: written by the engine's thread (submissions by the submitters), read by any.
final class EngineCounters {
  final LongAdder steps = new LongAdder();
  final LongAdder failedSteps = new LongAdder();
  final LongAdder promptTokens = new LongAdder();
  final LongAdder cachedTokens = new LongAdder();
  final LongAdder generatedTokens = new LongAdder();
  final LongAdder submitted = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAccumulator mostStepsToCancel = new LongAccumulator(Math::max, 0);
  private final Map<FinishReason, LongAdder> finished = new EnumMap<>(FinishReason.class);
  private final Map<Phase, LongAdder> cancelled = new EnumMap<>(Phase.class);

  EngineCounters() {
    for (FinishReason reason : FinishReason.values()) {
      finished.put(reason, new LongAdder());
    }
    for (Phase phase : Phase.values()) {
      cancelled.put(phase, new LongAdder());
    }
  }

  void countEnd(Outcome outcome, Phase phase) {
    LongAdder counter =
        switch (outcome) {
          case Outcome.Finished(FinishReason reason) -> finished.get(reason);
          case Outcome.Failed _ -> failed;
          case Outcome.Cancelled _ -> cancelled.get(phase);
        };
    if (counter != null) {
      counter.increment();
    }
  }

  /// @param stepsBegun since the sequence's end was asked for
  void countCancelled(long stepsBegun) {
    mostStepsToCancel.accumulate(stepsBegun);
  }

  EngineStats stats(int waiting, int running, int paused, long rejected) {
    return new EngineStats(
        waiting,
        running,
        paused,
        steps.sum(),
        failedSteps.sum(),
        promptTokens.sum(),
        cachedTokens.sum(),
        generatedTokens.sum(),
        submitted.sum(),
        rejected,
        sums(finished, FinishReason.class),
        failed.sum(),
        sums(cancelled, Phase.class),
        mostStepsToCancel.get());
  }

  private static <E extends Enum<E>> Map<E, Long> sums(Map<E, LongAdder> adders, Class<E> type) {
    Map<E, Long> sums = new EnumMap<>(type);
    adders.forEach((key, adder) -> sums.put(key, adder.sum()));
    return sums;
  }
}
