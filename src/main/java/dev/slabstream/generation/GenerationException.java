package dev.slabstream.generation;

import org.jspecify.annotations.Nullable;

/// A request that is refused, or a generation that failed; the edge makes it a status or an error
/// event.
public final class GenerationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorType type;
  private final @Nullable String field;
  private final transient @Nullable Object limit;
  private final transient @Nullable Object actual;

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
    super(message);
    this.type = type;
    this.field = field;
    this.limit = limit;
    this.actual = actual;
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
}
