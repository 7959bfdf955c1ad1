package dev.slabstream.generation;

import dev.slabstream.generation.GenerationOutcome.By;

/// Why a request is ended early. All there is to say of it is made before anybody asks, so that asking needs no memory.
enum Cancellation {
  CLIENT_GONE(By.CLIENT, ErrorType.CANCELLED, "the client went away"),
  SLOW_CLIENT(By.SLOW_CLIENT, ErrorType.SLOW_CLIENT, "the client did not read for too long"),
  SESSION_DELETED(By.SERVER, ErrorType.SESSION_DELETED, "the session was deleted"),
  SHUTDOWN(By.SERVER, ErrorType.CANCELLED, "the server is shutting down");

  private final By by;
  private final ErrorType type;
  private final String reason;

  /// @param type what the client is told
  Cancellation(By by, ErrorType type, String reason) {
    this.by = by;
    this.type = type;
    this.reason = reason;
  }

  By by() {
    return by;
  }

  GenerationException told() {
    return new GenerationException(type, "cancelled: " + reason);
  }
}
