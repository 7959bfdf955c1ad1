package dev.slabstream.api;

import static dev.slabstream.api.HttpTwo.DATA;
import static dev.slabstream.api.HttpTwo.END_HEADERS;
import static dev.slabstream.api.HttpTwo.END_STREAM;
import static dev.slabstream.api.HttpTwo.HEADERS;
import static dev.slabstream.api.HttpTwo.PING;
import static dev.slabstream.api.HttpTwo.POST_GENERATE;
import static dev.slabstream.api.HttpTwo.RST_STREAM;
import static dev.slabstream.api.HttpTwo.SETTINGS;
import static dev.slabstream.api.HttpTwo.bytes;
import static dev.slabstream.api.HttpTwo.frame;
import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.config.RunningService;
import dev.slabstream.generation.GenerationEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import reactor.core.publisher.Flux;

/// Clients of HTTP/2 that flood the server with frames (RFC 9113, section 10.5), written byte by
/// byte: they are cut off, what they began is cancelled, others are served.
@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
final class HttpTwoFloodIT {
  /// `GET /health` in HPACK without tables of its own (RFC 7541, appendix A).
  private static final byte[] GET_HEALTH =
      bytes(0x82, 0x86, 0x04, 7, '/', 'h', 'e', 'a', 'l', 't', 'h', 0x01, 1, 'a');

  /// Error code of RST_STREAM: the stream is no longer needed.
  private static final byte[] CANCEL = bytes(0, 0, 0, 8);

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
  void othersAreServedAndNothingIsLeft(CapturedOutput output) throws Exception {
    server.generation().play(FakeGeneration.hello(null));
    assertThat(RawHttp.post(server.port(), "/generate", "{\"inputs\":\"abc\"}").status())
        .isEqualTo(200);
    assertThat(RunningService.await(() -> server.openConnections() == 0)).isTrue();
    assertThat(output.getAll()).doesNotContain(" WARN ").doesNotContain(" ERROR ");
  }

  private static HttpTwo connected() throws IOException {
    return new HttpTwo(server.port(), new byte[0]);
  }

  @Test
  void streamsThatAreResetAtOnceCutTheConnectionOff() throws Exception {
    Flux<GenerationEvent> endless =
        Flux.<GenerationEvent>never()
            .doOnSubscribe(_ -> begun.incrementAndGet())
            .doOnCancel(cancelled::incrementAndGet);
    server.generation().play(endless);
    byte[] body = "{\"inputs\":\"abc\"}".getBytes(StandardCharsets.US_ASCII);
    try (HttpTwo connection = connected()) {
      // The first one has begun before it is reset, however much of the flood is read at once.
      connection.post(1, body);
      awaitThat("it has begun", () -> begun.get() == 1);
      connection.send(RST_STREAM, 0, 1, CANCEL);
      RawHttp http = connection.raw();
      int streams = 1;
      while (streams < 20_000
          && http.sendWhileHeard(frame(HEADERS, END_HEADERS, 2 * streams + 1, POST_GENERATE))
          && http.sendWhileHeard(frame(DATA, END_STREAM, 2 * streams + 1, body))
          && http.sendWhileHeard(frame(RST_STREAM, 0, 2 * streams + 1, CANCEL))) {
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
    try (HttpTwo connection = connected()) {
      int parts = 0;
      while (parts < 5000 && connection.raw().sendWhileHeard(many.toByteArray())) {
        parts++;
      }
      assertThat(parts).as("it was cut off").isLessThan(5000);
    }
  }

  @Test
  void aConnectionHasAHundredStreamsAtOnce() throws Exception {
    try (HttpTwo connection = connected()) {
      connection.send(HEADERS, END_STREAM | END_HEADERS, 1, GET_HEALTH);
      // SETTINGS_MAX_CONCURRENT_STREAMS = 3, value 100.
      String settings = "\0\3\0\0\0d";
      assertThat(connection.raw().readUntil(text -> text.contains(settings))).contains(settings);
    }
  }
}
