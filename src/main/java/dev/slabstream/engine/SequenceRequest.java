package dev.slabstream.engine;

import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SamplingParams;
import org.jspecify.annotations.Nullable;

/// A valid request: everything was checked before, nothing in the engine checks it again. The arrays are the engine's from here on.
///
/// @param promptIds at least one token
/// @param maxNewTokens at least 1; prompt and new tokens together fit the model's context and the whole slab
/// @param eosIds ids that end the text (finish reason EOS_TOKEN); empty when the request ignores them
/// @param stopTokenIds further ids that end it (finish reason STOP_SEQUENCE)
/// @param promptLogprobs whether the log-probabilities of the prompt's tokens are wanted
/// @param cacheScope within what blocks of the prompt are looked for, and those of the sequence left; null = it does neither. Nor does it
///     when `promptLogprobs` are wanted: those need every position computed
/// @param deadlines when its time is over
/// @param listener is told what happens, on the engine's thread
public record SequenceRequest(
    int[] promptIds,
    int maxNewTokens,
    SamplingParams sampling,
    int[] eosIds,
    int[] stopTokenIds,
    boolean promptLogprobs,
    @Nullable CacheScope cacheScope,
    Deadlines deadlines,
    SequenceListener listener) {
  public SequenceRequest {
    if (promptIds.length == 0) {
      throw new IllegalArgumentException("promptIds must have at least one token");
    }
    if (maxNewTokens < 1 || maxNewTokens > Integer.MAX_VALUE - promptIds.length) {
      throw new IllegalArgumentException(
          "maxNewTokens must be 1 to %d; got %d"
              .formatted(Integer.MAX_VALUE - promptIds.length, maxNewTokens));
    }
  }

  /// A request that has all the time there is.
  public SequenceRequest(
      int[] promptIds,
      int maxNewTokens,
      SamplingParams sampling,
      int[] eosIds,
      int[] stopTokenIds,
      boolean promptLogprobs,
      @Nullable CacheScope cacheScope,
      SequenceListener listener) {
    this(
        promptIds,
        maxNewTokens,
        sampling,
        eosIds,
        stopTokenIds,
        promptLogprobs,
        cacheScope,
        Deadlines.NONE,
        listener);
  }

  /// Positions that the sequence takes at most.
  int maxTokens() {
    return promptIds.length + maxNewTokens;
  }
}
