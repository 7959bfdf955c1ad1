package dev.slabstream.generation;

import java.time.Duration;

/// Defaults and limits of requests and sessions, as plain values.
///
/// @param defaultMaxNewTokens new tokens of a request that does not say how many; less when the
///     context leaves less
/// @param maxStopSequences stop strings of one request
/// @param maxStopLength UTF-16 units of one stop string
/// @param maxStopTokenIds stop token ids of one request
/// @param maxLogitBias ids that one request may bias
/// @param maxTopNTokens alternatives reported with each token
/// @param specialTokensInInputs whether the text of a special token in `inputs` is that token
/// @param maxConcurrentRequests requests that can be in the house at once (running and waiting),
///     for `/info`
/// @param tokenizerThreads threads that turn prompts into ids
/// @param maxQueueTime a request that was not admitted within it ends, from when it came
/// @param requestTimeout a request that has not ended within it is ended, from when it came
/// @param maxSessions sessions that may be open at once
/// @param sessionIdleTimeout a session that did nothing for this long is closed
/// @param streamBuffer events of one request that may wait for its client before the sequence pauses
/// @param slowClientTimeout a request whose sequence was paused for this long without a break is
///     cancelled; one that is over is cut off when its client reads on as slowly as that
/// @param prefixCacheScope who begins with what whose requests have computed
public record GenerationSettings(
    int defaultMaxNewTokens,
    int maxStopSequences,
    int maxStopLength,
    int maxStopTokenIds,
    int maxLogitBias,
    int maxTopNTokens,
    boolean specialTokensInInputs,
    int maxConcurrentRequests,
    int tokenizerThreads,
    Duration maxQueueTime,
    Duration requestTimeout,
    int maxSessions,
    Duration sessionIdleTimeout,
    int streamBuffer,
    Duration slowClientTimeout,
    PrefixCacheScope prefixCacheScope) {

  public static final GenerationSettings DEFAULTS =
      new GenerationSettings(
          100,
          4,
          256,
          16,
          1024,
          5,
          true,
          128,
          1,
          Duration.ofSeconds(50),
          Duration.ofMinutes(10),
          1000,
          Duration.ofMinutes(30),
          64,
          Duration.ofSeconds(30),
          PrefixCacheScope.SESSION);

  public GenerationSettings {
    atLeast("defaultMaxNewTokens", defaultMaxNewTokens, 1);
    atLeast("maxStopSequences", maxStopSequences, 0);
    atLeast("maxStopLength", maxStopLength, 1);
    atLeast("maxStopTokenIds", maxStopTokenIds, 0);
    atLeast("maxLogitBias", maxLogitBias, 0);
    atLeast("maxTopNTokens", maxTopNTokens, 0);
    atLeast("maxConcurrentRequests", maxConcurrentRequests, 1);
    atLeast("tokenizerThreads", tokenizerThreads, 1);
    atLeast("maxSessions", maxSessions, 0);
    atLeast("streamBuffer", streamBuffer, 1);
    positive("maxQueueTime", maxQueueTime);
    positive("requestTimeout", requestTimeout);
    positive("sessionIdleTimeout", sessionIdleTimeout);
    positive("slowClientTimeout", slowClientTimeout);
  }

  private static void positive(String name, Duration value) {
    if (!value.isPositive()) {
      throw new IllegalArgumentException(name + " must be positive; got " + value);
    }
  }

  private static void atLeast(String name, int value, int min) {
    if (value < min) {
      throw new IllegalArgumentException(name + " must be at least " + min + "; got " + value);
    }
  }
}
