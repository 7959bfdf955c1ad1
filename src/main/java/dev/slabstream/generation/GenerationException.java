package dev.slabstream.generation;

import dev.slabstream.engine.OverloadedException;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// A request that is refused, or a generation that failed; the edge makes it a status or an error
/// event.
public final class GenerationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorType type;
  private final @Nullable String field;
  private final transient @Nullable Object limit;
  private final transient @Nullable Object actual;
  private final int retryAfterSeconds;

  public GenerationException(ErrorType type, String message) {
    this(type, message, null, null, null);
  }

  /// @param field the field of the request as the API names it
  /// @param limit what it may be at most, or a description of what is allowed
  /// @param actual what it was
  public GenerationException(
      ErrorType type,
      String message,
      @Nullable String field,
      @Nullable Object limit,
      @Nullable Object actual) {
    this(type, message, field, limit, actual, 0);
  }

  /// @param retryAfterSeconds when to try again; 0 = nobody knows
  public GenerationException(
      ErrorType type,
      String message,
      @Nullable String field,
      @Nullable Object limit,
      @Nullable Object actual,
      int retryAfterSeconds) {
    super(message);
    this.type = type;
    this.field = field;
    this.limit = limit;
    this.actual = actual;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  private GenerationException(ErrorType type, String message, boolean withTrace) {
    super(message, null, withTrace, withTrace);
    this.type = type;
    this.field = null;
    this.limit = null;
    this.actual = null;
    this.retryAfterSeconds = 0;
  }

  /// One that can be thrown any number of times: it has no trace, and nothing can be added to it.
  static GenerationException shared(ErrorType type, String message) {
    return new GenerationException(type, message, false);
  }

  static GenerationException overloaded(OverloadedException e) {
    return new GenerationException(
        ErrorType.OVERLOADED,
        "the model is overloaded: " + e.getMessage(),
        null,
        e.limit(),
        e.actual(),
        e.retryAfterSeconds());
  }

  public ErrorType type() {
    return type;
  }

  public @Nullable String field() {
    return field;
  }

  public @Nullable Object limit() {
    return limit;
  }

  public @Nullable Object actual() {
    return actual;
  }

  /// In how many seconds to try again, by what was measured; empty when nothing was.
  public OptionalInt retryAfterSeconds() {
    return retryAfterSeconds == 0 ? OptionalInt.empty() : OptionalInt.of(retryAfterSeconds);
  }
}
