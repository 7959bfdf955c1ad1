package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.publisher.Mono;

/// Reads the whole body of a request, up to a limit of length and of time, and within the memory that
/// all of them have together.
final class RequestBodies {
  private static final Logger log = LoggerFactory.getLogger(RequestBodies.class);

  /// A client that is still sending when the connection closes loses the answer. So a body that is
  /// too long is read on for so many bytes, and thrown away, before it is refused.
  private static final long READ_ON_BYTES = 16L << 20;

  private final int maxBytes;
  private final Duration timeout;
  private final BodyBudget budget;

  RequestBodies(int maxBytes, Duration timeout, BodyBudget budget) {
    this.maxBytes = maxBytes;
    this.timeout = timeout;
    this.budget = budget;
  }

  /// What `use` makes of the body's bytes, none if there is no body. Fails with TOO_LARGE if there are
  /// too many, BODY_TIMEOUT if they are long in coming, MALFORMED if they break off, BODY_MEMORY if all
  /// bodies together are too much. They count among those until what `use` gives has ended: its request
  /// holds on to its text.
  <T> Mono<T> read(ServerHttpRequest request, Function<byte[], Mono<T>> use) {
    long declared = request.getHeaders().getContentLength();
    if (declared > maxBytes && asksFirst(request)) {
      return Mono.error(tooLarge(declared));
    }
    return Mono.using(
        Received::new, received -> bytes(request, received).flatMap(use), Received::close);
  }

  private Mono<byte[]> bytes(ServerHttpRequest request, Received received) {
    long declared = request.getHeaders().getContentLength();
    return request
        .getBody()
        .doOnNext(buffer -> Contained.run(() -> received.add(buffer)))
        .takeUntil(_ -> received.numBytes > maxBytes + READ_ON_BYTES)
        .then(Mono.fromCallable(() -> Contained.call(() -> received.bytes(declared))))
        .timeout(timeout, Mono.error(() -> BodyRefusals.tooSlow(timeout)))
        .onErrorMap(e -> !(e instanceof GenerationException), RequestBodies::brokenOff);
  }

  /// Whatever the connection says went wrong: its client has gone, or sends what is no body. What it
  /// says is about the server's inside, and for the log.
  private static GenerationException brokenOff(Throwable cause) {
    log.debug("A body cannot be read", cause);
    return new GenerationException(
        ErrorType.MALFORMED,
        "the body cannot be read to its end: it broke off, or its chunks are malformed");
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

  /// One body, as far as it has come. What has no room in the budget is read on and thrown away, so
  /// that the client sees the answer. Pieces are added by one thread at a time; any other may say that
  /// the body has made room.
  private final class Received implements AutoCloseable {
    private final BodyBudget.Share share = budget.coming(this::drop);

    /// Null once it was dropped. Guarded by this.
    private @Nullable ByteArrayOutputStream kept = new ByteArrayOutputStream(256);

    private long numBytes;

    void add(DataBuffer buffer) {
      int length = buffer.readableByteCount();
      numBytes += length;
      try {
        if (numBytes > maxBytes) {
          close();
        } else if (share.take(length)) {
          keep(buffer, length);
        } else {
          drop();
        }
      } finally {
        DataBufferUtils.release(buffer);
      }
    }

    private synchronized void keep(DataBuffer buffer, int length) {
      if (kept != null) {
        byte[] bytes = new byte[length];
        buffer.read(bytes);
        kept.writeBytes(bytes);
      }
    }

    byte[] bytes(long declared) {
      if (numBytes > maxBytes) {
        throw tooLarge(Math.max(declared, numBytes));
      }
      if (!share.complete()) {
        throw BodyRefusals.noRoom(budget.maxBytes());
      }
      synchronized (this) {
        byte[] bytes = kept == null ? new byte[0] : kept.toByteArray();
        kept = null;
        return bytes;
      }
    }

    private synchronized void drop() {
      kept = null;
    }

    @Override
    public void close() {
      share.close();
      drop();
    }
  }
}
