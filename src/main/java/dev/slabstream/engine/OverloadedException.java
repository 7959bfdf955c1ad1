package dev.slabstream.engine;

/// The queue is full.
public final class OverloadedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int maxQueue;

  public OverloadedException(int maxQueue) {
    super("the queue is full: " + maxQueue + " sequences wait");
    this.maxQueue = maxQueue;
  }

  public int maxQueue() {
    return maxQueue;
  }
}
