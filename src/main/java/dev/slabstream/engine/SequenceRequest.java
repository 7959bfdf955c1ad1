package dev.slabstream.engine;

import dev.slabstream.sampling.SamplingParams;

/// A valid request: everything was checked before, nothing in the engine checks it again.
///
/// @param promptIds at least one token
/// @param maxNewTokens at least 1; prompt and new tokens together fit the model's context and the whole slab
/// @param eosIds ids that end the text (finish reason EOS_TOKEN); empty when the request ignores them
/// @param stopTokenIds further ids that end it (finish reason STOP_SEQUENCE)
/// @param promptLogprobs whether the log-probabilities of the prompt's tokens are wanted
/// @param listener is told what happens, on the engine's thread
public record SequenceRequest(
    int[] promptIds,
    int maxNewTokens,
    SamplingParams sampling,
    int[] eosIds,
    int[] stopTokenIds,
    boolean promptLogprobs,
    SequenceListener listener) {}
