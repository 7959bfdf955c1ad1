package dev.slabstream.generation;

import java.util.List;

/// A request that fits the model: nothing behind checks it again.
///
/// @param promptIds at least one token, BOS and `truncate` done
/// @param maxNewTokens at least 1; with the prompt within the context and the slab
/// @param promptTexts the text of each prompt token when they are to be reported, else empty
/// @param prefix what the final text begins with: the prompt as sent, or nothing
record ValidRequest(
    int[] promptIds,
    int maxNewTokens,
    ValidParameters parameters,
    List<String> promptTexts,
    String prefix) {}
