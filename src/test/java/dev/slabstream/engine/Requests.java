package dev.slabstream.engine;

import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SamplingParams;

/// Requests for tests: greedy, nothing special.
final class Requests {
  private static final int[] NONE = {};

  private Requests() {}

  /// A prompt of `length` tokens, different for each `salt`.
  static int[] prompt(int salt, int length) {
    int[] ids = new int[length];
    for (int i = 0; i < length; i++) {
      ids[i] = Math.floorMod(salt * 13 + i * 7 + i * i * salt, FakeModel.POISON_ID);
    }
    return ids;
  }

  static SequenceRequest request(int[] prompt, int maxNewTokens, SequenceListener listener) {
    return new SequenceRequest(
        prompt, maxNewTokens, SamplingParams.greedy(), NONE, NONE, false, null, listener);
  }

  static SequenceRequest withEnds(SequenceRequest request, int[] eosIds, int[] stopTokenIds) {
    return new SequenceRequest(
        request.promptIds(),
        request.maxNewTokens(),
        request.sampling(),
        eosIds,
        stopTokenIds,
        request.promptLogprobs(),
        request.cacheScope(),
        request.deadlines(),
        request.listener());
  }

  static SequenceRequest withPromptLogprobs(SequenceRequest request) {
    return new SequenceRequest(
        request.promptIds(),
        request.maxNewTokens(),
        request.sampling(),
        request.eosIds(),
        request.stopTokenIds(),
        true,
        request.cacheScope(),
        request.deadlines(),
        request.listener());
  }

  static SequenceRequest inScope(CacheScope scope, SequenceRequest request) {
    return new SequenceRequest(
        request.promptIds(),
        request.maxNewTokens(),
        request.sampling(),
        request.eosIds(),
        request.stopTokenIds(),
        request.promptLogprobs(),
        scope,
        request.deadlines(),
        request.listener());
  }

  static SequenceRequest withDeadlines(SequenceRequest request, Deadlines deadlines) {
    return new SequenceRequest(
        request.promptIds(),
        request.maxNewTokens(),
        request.sampling(),
        request.eosIds(),
        request.stopTokenIds(),
        request.promptLogprobs(),
        request.cacheScope(),
        deadlines,
        request.listener());
  }
}
