package dev.slabstream.engine;

/// Too much waits for admission already. Without a stack trace: it is thrown when there is no time to lose.
public final class OverloadedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long limit;
  private final long actual;
  private final int retryAfterSeconds;

  private OverloadedException(String message, long limit, long actual, int retryAfterSeconds) {
    super(message, null, false, false);
    this.limit = limit;
    this.actual = actual;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  static OverloadedException byRequests(int limit, int actual, int retryAfterSeconds) {
    return new OverloadedException(
        "at most %d requests may wait, this would be number %d".formatted(limit, actual),
        limit,
        actual,
        retryAfterSeconds);
  }

  static OverloadedException byTokens(int limit, long actual, int retryAfterSeconds) {
    return new OverloadedException(
        "prompts of at most %d tokens may wait, with this one it would be about %d"
            .formatted(limit, actual),
        limit,
        actual,
        retryAfterSeconds);
  }

  /// What may wait at most: requests, or prompt tokens.
  public long limit() {
    return limit;
  }

  /// What it would have been with the one that was refused.
  public long actual() {
    return actual;
  }

  /// When what waits now will have left, in seconds from now; at least 1.
  public int retryAfterSeconds() {
    return retryAfterSeconds;
  }
}
