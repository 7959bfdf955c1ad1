package dev.slabstream.engine;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// How much the engine takes on.
///
/// @param maxQueue sequences that may wait for admission; one more is refused
/// @param maxQueueTokens tokens that the prompts of those that wait may have together; see [AdmissionGate]
/// @param maxBatchTokens tokens computed in one step at most
/// @param maxRunning sequences that run at once at most; not more than `maxBatchTokens`, so that each can have a token in every step
/// @param targetStepTime how long a step may take that computes prompts beside decodes; null = a multiple of what the decodes alone
///     take, see [PromptBudget]
public record EngineSettings(
    int maxQueue,
    int maxQueueTokens,
    int maxBatchTokens,
    int maxRunning,
    @Nullable Duration targetStepTime) {
  /// A minute's work at a thousand prompt tokens a second: who stood behind more would wait in vain.
  public static final int DEFAULT_MAX_QUEUE_TOKENS = 65_536;

  public EngineSettings {
    requirePositive("maxQueue", maxQueue);
    requirePositive("maxQueueTokens", maxQueueTokens);
    requirePositive("maxBatchTokens", maxBatchTokens);
    requirePositive("maxRunning", maxRunning);
    if (maxRunning > maxBatchTokens) {
      throw new IllegalArgumentException(
          "maxRunning must be at most maxBatchTokens, %d; got %d"
              .formatted(maxBatchTokens, maxRunning));
    }
    if (targetStepTime != null && !targetStepTime.isPositive()) {
      throw new IllegalArgumentException("targetStepTime must be positive; got " + targetStepTime);
    }
  }

  public EngineSettings(int maxQueue, int maxBatchTokens, int maxRunning) {
    this(maxQueue, maxBatchTokens, maxRunning, null);
  }

  public EngineSettings(
      int maxQueue, int maxBatchTokens, int maxRunning, @Nullable Duration targetStepTime) {
    this(maxQueue, DEFAULT_MAX_QUEUE_TOKENS, maxBatchTokens, maxRunning, targetStepTime);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1; got " + value);
    }
  }
}
