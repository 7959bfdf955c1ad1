package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.publisher.Mono;

/// Reads the whole body of a request, up to a limit of length and of time.
final class RequestBodies {
  /// A client that is still sending when the connection closes loses the answer. So a body that is
  /// too long is read on for so many bytes, and thrown away, before it is refused.
  private static final long READ_ON_BYTES = 16L << 20;

  private final int maxBytes;
  private final Duration timeout;

  RequestBodies(int maxBytes, Duration timeout) {
    this.maxBytes = maxBytes;
    this.timeout = timeout;
  }

  /// The body's bytes, none if there is no body; TOO_LARGE if there are too many, BODY_TIMEOUT if they
  /// are long in coming, MALFORMED if they break off.
  Mono<byte[]> read(ServerHttpRequest request) {
    long declared = request.getHeaders().getContentLength();
    if (declared > maxBytes && asksFirst(request)) {
      return Mono.error(tooLarge(declared));
    }
    return Mono.defer(
            () -> {
              Received received = new Received();
              return request
                  .getBody()
                  .doOnNext(buffer -> Contained.run(() -> received.add(buffer)))
                  .takeUntil(_ -> received.numBytes > maxBytes + READ_ON_BYTES)
                  .then(Mono.fromCallable(() -> Contained.call(() -> received.bytes(declared))));
            })
        .timeout(timeout, Mono.error(this::tooSlow))
        .onErrorMap(e -> !(e instanceof GenerationException), RequestBodies::brokenOff);
  }

  private GenerationException tooSlow() {
    return new GenerationException(
        ErrorType.BODY_TIMEOUT,
        "the body did not come within " + timeout.toMillis() + " ms",
        null,
        timeout.toMillis(),
        null);
  }

  /// Whatever the connection says went wrong: its client has gone, or sends what is no body.
  private static GenerationException brokenOff(Throwable cause) {
    return new GenerationException(
        ErrorType.MALFORMED, "the body cannot be read to its end: " + cause.getMessage());
  }

  /// Whether the client waits for a word before it sends its body (RFC 9110, section 10.1.1).
  private static boolean asksFirst(ServerHttpRequest request) {
    return "100-continue".equalsIgnoreCase(request.getHeaders().getFirst(HttpHeaders.EXPECT));
  }

  private GenerationException tooLarge(long actual) {
    return new GenerationException(
        ErrorType.TOO_LARGE,
        "the body is longer than " + maxBytes + " bytes",
        null,
        maxBytes,
        actual);
  }

  private final class Received {
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private long numBytes;

    void add(DataBuffer buffer) {
      int length = buffer.readableByteCount();
      numBytes += length;
      try {
        if (numBytes <= maxBytes) {
          byte[] bytes = new byte[length];
          buffer.read(bytes);
          kept.writeBytes(bytes);
        }
      } finally {
        DataBufferUtils.release(buffer);
      }
    }

    byte[] bytes(long declared) {
      if (numBytes > maxBytes) {
        throw tooLarge(Math.max(declared, numBytes));
      }
      return kept.toByteArray();
    }
  }
}
