package dev.slabstream.generation;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/// Runs requests. The only way from HTTP to the engine.
public interface GenerationService {
  /// Validates, tokenizes (off the event loop), queues and streams one request.
  ///
  /// Nothing happens before the subscription. The first signal is [GenerationEvent.Started] or an
  /// error: a [GenerationException]. Cancelling the subscription cancels the sequence within one
  /// step.
  ///
  /// @param sessionId the session whose generator runs it; null = a generator that lives as long as
  ///     the request
  Flux<GenerationEvent> generate(GenerateRequest request, @Nullable String sessionId);

  /// The limits and the model, for `/info`.
  ServiceLimits limits();

  /// @param maxInputTokens the longest prompt
  /// @param maxTotalTokens prompt and new tokens: the context, or the whole slab if that is smaller
  record ServiceLimits(
      int maxInputTokens,
      int maxTotalTokens,
      int defaultMaxNewTokens,
      int maxStopSequences,
      int maxTopNTokens,
      int maxConcurrentRequests) {}
}
