package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.config.RunningService;
import dev.slabstream.generation.GenerationEvent;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/// Clients of HTTP/2 that flood the server with frames (RFC 9113, section 10.5), written byte by
/// byte: they are cut off, what they began is cancelled, others are served.
@Timeout(60)
final class HttpTwoFloodIT {
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int END_STREAM_AND_HEADERS = 5;

  /// `GET /health` in HPACK without tables of its own (RFC 7541, appendix A).
  private static final byte[] GET_HEALTH =
      bytes(0x82, 0x86, 0x04, 7, '/', 'h', 'e', 'a', 'l', 't', 'h', 0x01, 1, 'a');

  private static EdgeServer server;
  private static final AtomicInteger begun = new AtomicInteger();
  private static final AtomicInteger cancelled = new AtomicInteger();

  @BeforeAll
  static void start() {
    server = EdgeServer.serving();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void othersAreServedAndNothingIsLeft() throws Exception {
    server.generation().play(FakeGeneration.hello(null));
    assertThat(RawHttp.post(server.port(), "/generate", "{\"inputs\":\"abc\"}").status())
        .isEqualTo(200);
    assertThat(RunningService.await(() -> server.openConnections() == 0)).isTrue();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    int length = payload.length;
    frame.writeBytes(bytes(length >>> 16, length >>> 8, length, type, flags));
    frame.writeBytes(bytes(stream >>> 24, stream >>> 16, stream >>> 8, stream));
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  private static RawHttp connected() throws Exception {
    RawHttp http = new RawHttp(server.port());
    http.sendRaw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    http.sendRaw(frame(SETTINGS, 0, 0, new byte[0]));
    return http;
  }

  @Test
  void streamsThatAreResetAtOnceCutTheConnectionOff() throws Exception {
    Flux<GenerationEvent> endless =
        Flux.<GenerationEvent>never()
            .doOnSubscribe(_ -> begun.incrementAndGet())
            .doOnCancel(cancelled::incrementAndGet);
    server.generation().play(endless);
    byte[] body = "{\"inputs\":\"abc\"}".getBytes(StandardCharsets.US_ASCII);
    ByteArrayOutputStream post = new ByteArrayOutputStream();
    post.writeBytes(bytes(0x83, 0x86, 0x04, 9));
    post.writeBytes("/generate".getBytes(StandardCharsets.US_ASCII));
    post.writeBytes(bytes(0x01, 1, 'a', 0x0f, 0x10, 16));
    post.writeBytes("application/json".getBytes(StandardCharsets.US_ASCII));
    try (RawHttp http = connected()) {
      // The first one has begun before it is reset, however much of the flood is read at once.
      http.sendRaw(frame(HEADERS, 4, 1, post.toByteArray()));
      http.sendRaw(frame(0, 1, 1, body));
      awaitThat("it has begun", () -> begun.get() == 1);
      http.sendRaw(frame(RST_STREAM, 0, 1, bytes(0, 0, 0, 8)));
      int streams = 1;
      while (streams < 20_000
          && http.sendWhileHeard(frame(HEADERS, 4, 2 * streams + 1, post.toByteArray()))
          && http.sendWhileHeard(frame(0, 1, 2 * streams + 1, body))
          && http.sendWhileHeard(frame(RST_STREAM, 0, 2 * streams + 1, bytes(0, 0, 0, 8)))) {
        streams++;
      }
      // Whatever the kernels still hold: the server closes, and does not read on for ever.
      http.readToTheEnd();
    }
    // 200 resets in 30 s are what a connection has.
    assertThat(begun.get()).isBetween(1, 250);
    assertThat(RunningService.await(() -> cancelled.get() == begun.get())).isTrue();
  }

  @Test
  void pingsWhoseAnswersNobodyReadsCutTheConnectionOff() throws Exception {
    flood(frame(PING, 0, 0, new byte[8]));
  }

  @Test
  void settingsWhoseAnswersNobodyReadsCutTheConnectionOff() throws Exception {
    flood(frame(SETTINGS, 0, 0, new byte[0]));
  }

  private static void flood(byte[] frame) throws Exception {
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    for (int i = 0; i < 1000; i++) {
      many.writeBytes(frame);
    }
    try (RawHttp http = connected()) {
      int parts = 0;
      while (parts < 5000 && http.sendWhileHeard(many.toByteArray())) {
        parts++;
      }
      assertThat(parts).as("it was cut off").isLessThan(5000);
    }
  }

  @Test
  void aConnectionHasAHundredStreamsAtOnce() throws Exception {
    try (RawHttp http = connected()) {
      http.sendRaw(frame(HEADERS, END_STREAM_AND_HEADERS, 1, GET_HEALTH));
      // SETTINGS_MAX_CONCURRENT_STREAMS = 3, value 100.
      String settings = "\0\3\0\0\0d";
      assertThat(http.readUntil(text -> text.contains(settings))).contains(settings);
    }
  }
}
