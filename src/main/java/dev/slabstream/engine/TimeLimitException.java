package dev.slabstream.engine;

/// A sequence was ended because its time was over.
public final class TimeLimitException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Which of the [Deadlines] passed.
  public enum Limit {
    /// It was not admitted in time.
    QUEUE_TIME,
    /// It did not end in time.
    REQUEST_TIME
  }

  private final Limit limit;

  public TimeLimitException(Limit limit) {
    super(limit + " is over", null, false, false);
    this.limit = limit;
  }

  public Limit limit() {
    return limit;
  }
}
