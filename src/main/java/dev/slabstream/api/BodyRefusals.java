package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.time.Duration;

/// What a body is refused with that is too slow or has no room, on whichever way it comes: a request
/// that asks for the upgrade to HTTP/2 is refused before the framework sees it.
public final class BodyRefusals {
  private BodyRefusals() {}

  public static GenerationException tooSlow(Duration timeout) {
    return new GenerationException(
        ErrorType.BODY_TIMEOUT,
        "the body did not come within " + timeout.toMillis() + " ms",
        null,
        timeout.toMillis(),
        null);
  }

  public static GenerationException noRoom(long maxBytes) {
    return new GenerationException(
        ErrorType.BODY_MEMORY,
        "the bodies of all requests together must have at most %d bytes, slabstream.api.max-body-memory; there is no room for this one now"
            .formatted(maxBytes),
        null,
        maxBytes,
        null);
  }

  /// The JSON that its client gets.
  public static byte[] json(GenerationException refusal) {
    return WireJson.bytes(ErrorBody.of(refusal));
  }
}
