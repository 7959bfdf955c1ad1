package dev.slabstream.generation;

import dev.slabstream.sampling.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// Parameters that were checked, with defaults filled in where they do not depend on the prompt.
/// Made by [ParameterValidator] only.
///
/// @param maxNewTokens empty = as many as fit, up to the default
/// @param sampling its seed counts only when `seed` is present
/// @param seed the seed in use; empty when the choice is greedy and nothing is random
/// @param truncate keep this many tokens at the end of the prompt; empty = all of it
record ValidParameters(
    OptionalInt maxNewTokens,
    SamplingParams sampling,
    OptionalLong seed,
    List<String> stop,
    int[] stopTokenIds,
    boolean ignoreEos,
    boolean decoderInputDetails,
    OptionalInt truncate,
    boolean returnFullText) {}
