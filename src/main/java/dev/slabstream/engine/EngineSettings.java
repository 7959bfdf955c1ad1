package dev.slabstream.engine;

/// How much the engine takes on.
///
/// @param maxQueue sequences that may wait for admission; one more is refused
/// @param maxBatchTokens tokens computed in one step at most: the budget of the scheduler
/// @param maxRunning sequences that run at once at most; not more than `maxBatchTokens`, so that each can have a token in every step
/// @param maxMixedPromptTokens prompt tokens computed at most in a step in which other sequences decode: those wait for the step
public record EngineSettings(
    int maxQueue, int maxBatchTokens, int maxRunning, int maxMixedPromptTokens) {
  /// One tile of the matrix kernels. Measured on two cores beside four decodes: 64 computes a prompt no faster and makes the others
  /// wait twice as long.
  public static final int DEFAULT_MAX_MIXED_PROMPT_TOKENS = 32;

  public EngineSettings {
    requirePositive("maxQueue", maxQueue);
    requirePositive("maxBatchTokens", maxBatchTokens);
    requirePositive("maxRunning", maxRunning);
    requirePositive("maxMixedPromptTokens", maxMixedPromptTokens);
    if (maxRunning > maxBatchTokens) {
      throw new IllegalArgumentException(
          "maxRunning must be at most maxBatchTokens, %d; got %d"
              .formatted(maxBatchTokens, maxRunning));
    }
  }

  public EngineSettings(int maxQueue, int maxBatchTokens, int maxRunning) {
    this(maxQueue, maxBatchTokens, maxRunning, DEFAULT_MAX_MIXED_PROMPT_TOKENS);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1; got " + value);
    }
  }
}
