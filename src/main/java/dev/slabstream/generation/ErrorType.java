package dev.slabstream.generation;

/// Every way a request can be refused or fail: one stable name, used as the body's `error_type`, in
/// error events and as metric label.
public enum ErrorType {
  /// Not JSON, or a wrong type.
  MALFORMED("malformed", 400),
  VALIDATION("validation", 422),
  SESSION_NOT_FOUND("session_not_found", 404),
  SESSION_BUSY("session_busy", 409),
  /// The session was deleted while its request waited or ran.
  SESSION_DELETED("session_deleted", 409),
  NOT_FOUND("not_found", 404),
  METHOD_NOT_ALLOWED("method_not_allowed", 405),
  NOT_ACCEPTABLE("not_acceptable", 406),
  BODY_TIMEOUT("body_timeout", 408),
  TOO_LARGE("too_large", 413),
  UNSUPPORTED_MEDIA_TYPE("unsupported_media_type", 415),
  OVERLOADED("overloaded", 429),
  TOO_MANY_SESSIONS("too_many_sessions", 429),
  /// The bodies of all requests together take the memory that they may.
  BODY_MEMORY("body_memory", 503),
  LOADING("loading", 503),
  DRAINING("draining", 503),
  /// The server ends.
  CANCELLED("cancelled", 503),
  /// The client did not read what it was sent. Never on the wire, since nobody reads it.
  SLOW_CLIENT("slow_client", 503),
  /// Not admitted in time: nothing was computed, and it may be sent again.
  QUEUE_TIMEOUT("queue_timeout", 503),
  /// Taken, and not done in time.
  TIMEOUT("timeout", 504),
  /// The model computed NaN or infinity.
  NON_FINITE_LOGITS("non_finite_logits", 500),
  /// A defect of the server outside of a generation; the body says nothing about it, the log does.
  INTERNAL("internal", 500),
  /// Anything else that went wrong while generating.
  GENERATION("generation", 500);

  private final String label;
  private final int status;

  ErrorType(String label, int status) {
    this.label = label;
    this.status = status;
  }

  public String label() {
    return label;
  }

  /// The HTTP status, when nothing was written yet.
  public int status() {
    return status;
  }
}
