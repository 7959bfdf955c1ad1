package dev.slabstream.engine;

import java.util.Map;

/// A picture of the engine; readable from any thread, each figure current, the set not taken at one instant.
///
/// @param waiting sequences in the engine's queue; [QueueStats] counts those too that wait for a tokenizer
/// @param running sequences that hold a lease
/// @param paused of these, the ones that compute nothing because their client does not read; as of the last step
/// @param steps steps that computed tokens
/// @param failedSteps of these, the ones in which the forward pass threw
/// @param promptTokens prompt tokens computed
/// @param cachedTokens prompt tokens that were cached and not computed
/// @param generatedTokens tokens handed out
/// @param submitted sequences taken into the queue
/// @param rejected sequences refused because the queue was full
/// @param finished sequences that ended well, by reason; has every reason
/// @param failed sequences that failed, or whose time was over
/// @param cancelled sequences that were cancelled, by where they were; has every phase
/// @param mostStepsToCancel the most steps that were begun from the moment when somebody asked for a sequence's end to that end, with
///     its lease back
public record EngineStats(
    int waiting,
    int running,
    int paused,
    long steps,
    long failedSteps,
    long promptTokens,
    long cachedTokens,
    long generatedTokens,
    long submitted,
    long rejected,
    Map<FinishReason, Long> finished,
    long failed,
    Map<Phase, Long> cancelled,
    long mostStepsToCancel) {
  public EngineStats {
    finished = Map.copyOf(finished);
    cancelled = Map.copyOf(cancelled);
  }
}
