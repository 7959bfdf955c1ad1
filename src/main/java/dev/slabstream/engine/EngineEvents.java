package dev.slabstream.engine;

/// What a watcher of the engine is told: to feed meters. Called on the engine's thread between computations, so an implementation
/// must not block. What it throws is logged and does no harm. Durations are in nanoseconds of the engine's clock.
public interface EngineEvents {
  /// Nobody watches.
  EngineEvents NONE = new EngineEvents() {};

  /// A step is over.
  ///
  /// @param numTokens tokens that it computed, `numPromptTokens` of them of prompts
  /// @param numSequences sequences that took part
  default void onStep(int numTokens, int numPromptTokens, int numSequences, long nanos) {}

  /// A sequence left the queue for the slab.
  default void onAdmitted(long queueNanos) {}

  /// A sequence's first token is there.
  ///
  /// @param sinceSubmittedNanos time to first token
  /// @param prefillNanos the part of it since admission
  default void onFirstToken(long sinceSubmittedNanos, long prefillNanos) {}

  /// A further token is there.
  ///
  /// @param sinceLastNanos inter-token latency
  default void onNextToken(long sinceLastNanos) {}

  /// A sequence ended.
  ///
  /// @param phase where it was then; a sequence that finished was in DECODE
  /// @param promptTokens length of its prompt, computed or not
  /// @param generatedTokens tokens handed out
  default void onEnded(
      Outcome outcome, Phase phase, int promptTokens, int generatedTokens, SequenceTimes times) {}
}
