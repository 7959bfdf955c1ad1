package dev.slabstream.engine;

import dev.slabstream.sampling.SampledToken;

/// What a sequence's owner is told, always on the engine's thread and in this order: admitted, prompt log-probabilities (if asked
/// for), cached tokens (if there were any), tokens, then exactly one of finished, failed and cancelled. An implementation must not block. An exception thrown here
/// fails this sequence and no other.
public interface SequenceListener {
  enum Verdict {
    CONTINUE,
    /// The text is complete (a stop string was found): finish with STOP_SEQUENCE.
    STOP
  }

  /// The lease is there, computing begins.
  void onAdmitted();

  /// Natural logarithms of the probabilities of prompt tokens 1 .. n-1 given those before; entry 0 is NaN (nothing comes before it).
  void onPromptLogprobs(float[] logprobs);

  /// `numTokens` tokens of the prompt were not computed: their keys and values were in the slab.
  default void onCachedTokens(int numTokens) {}

  /// Output token `index` (from 0), the end-of-text token included.
  Verdict onToken(int index, SampledToken token);

  void onFinished(FinishReason reason, SequenceTimes times);

  /// `cause` is a [NonFiniteLogitsException], a [TimeLimitException], or whatever was thrown in the step.
  void onFailed(Throwable cause, SequenceTimes times);

  /// Cancelled while in `phase`.
  void onCancelled(Phase phase, SequenceTimes times);
}
