package dev.slabstream.engine;

/// @param maxQueue sequences that may wait for admission; one more is refused
/// @param maxBatchTokens tokens computed in one step at most: the budget of the scheduler
/// @param maxRunning sequences that run at once at most
public record EngineSettings(int maxQueue, int maxBatchTokens, int maxRunning) {
  public EngineSettings {
    if (maxQueue < 1 || maxBatchTokens < 1 || maxRunning < 1) {
      throw new IllegalArgumentException(
          "maxQueue, maxBatchTokens and maxRunning must be at least 1; got "
              + maxQueue
              + ", "
              + maxBatchTokens
              + ", "
              + maxRunning);
    }
  }
}
