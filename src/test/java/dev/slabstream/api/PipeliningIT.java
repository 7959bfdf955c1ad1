package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.config.RunningService;
import dev.slabstream.generation.GenerationEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/// What a client may send ahead of its answers on one connection of HTTP/1.1. The first request is a
/// generation that lasts until the test says so.
@Timeout(60)
final class PipeliningIT {
  private static final String SMALL = get("");

  private static EdgeServer server;

  private Sinks.Empty<GenerationEvent> goOn;
  private CountDownLatch cancelled;
  private long readBefore;
  private int sent;

  @BeforeAll
  static void start() {
    server = EdgeServer.serving("slabstream.api.max-body-size=64KB");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void holdTheFirst() {
    readBefore = server.connections().bytesRead();
    goOn = Sinks.empty();
    cancelled = new CountDownLatch(1);
    server
        .generation()
        .play(
            Flux.concat(goOn.asMono(), FakeGeneration.hello(null))
                .doOnCancel(cancelled::countDown));
  }

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    assertThat(RunningService.await(() -> server.openConnections() == 0)).isTrue();
  }

  private static String get(String padding) {
    return "GET /health HTTP/1.1\r\nHost: a\r\nX-Padding: " + padding + "\r\n\r\n";
  }

  private static String post(int inputLength) {
    String body = "{\"inputs\":\"" + "x".repeat(inputLength) + "\"}";
    return "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  private RawHttp sending(String requests) throws IOException {
    RawHttp http = new RawHttp(server.port());
    http.sendRaw(requests.getBytes(StandardCharsets.US_ASCII));
    sent += requests.length();
    return http;
  }

  private static int answers(String text) {
    return (int) Pattern.compile("HTTP/1\\.1 200 ").matcher(text).results().count();
  }

  /// Until the server has read what was sent: what it makes of it is to be seen before the first
  /// answer lets requests go.
  private void awaitRead() throws InterruptedException {
    awaitThat(
        "the server has read it", () -> server.connections().bytesRead() == readBefore + sent);
  }

  @Test
  void asManyAsTheBoundAreAnsweredAndTheConnectionStaysOpen() throws Exception {
    try (RawHttp http = sending(post(1) + SMALL.repeat(15))) {
      awaitRead();
      goOn.tryEmitEmpty();
      String text = http.readUntil(all -> answers(all) == 16 && all.endsWith("\r\n\r\n"));
      assertThat(text.toLowerCase(Locale.ROOT)).doesNotContain("connection: close");
      http.sendRaw(SMALL.getBytes(StandardCharsets.US_ASCII));
      assertThat(answers(http.readUntil(all -> answers(all) == 17))).isEqualTo(17);
    }
  }

  @Test
  void whatComesBeforeTheBoundIsAnsweredAndThenTheConnectionCloses() throws Exception {
    try (RawHttp http = sending(post(1) + SMALL.repeat(200))) {
      awaitRead();
      goOn.tryEmitEmpty();
      String text = http.readToTheEnd();
      assertThat(answers(text)).isEqualTo(16);
      assertThat(text.toLowerCase(Locale.ROOT).split("connection: close", -1))
          .as("the last one says so")
          .hasSize(2);
      assertThat(text).as("and comes whole").endsWith("\r\n\r\n");
    }
  }

  @Test
  void aClientThatGoesIsNoticedBehindWhatItSentAhead() throws Exception {
    try (RawHttp http = sending(post(1) + SMALL.repeat(200))) {
      awaitRead();
      assertThat(cancelled.getCount()).isEqualTo(1);
    }
    assertThat(cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aFloodIsNotKeptAndOthersAreServed() throws Exception {
    byte[] requests = get("x".repeat(4000)).repeat(16).getBytes(StandardCharsets.US_ASCII);
    try (RawHttp http = sending(post(1))) {
      int parts = 0;
      while (parts < 1000 && http.sendWhileHeard(requests)) {
        parts++;
        if (parts % 20 == 0) {
          assertThat(RawHttp.exchange(server.port(), "GET", "/health", "").status()).isEqualTo(200);
        }
      }
      // The bound on what is read, and what both kernels hold of a connection.
      assertThat(parts * requests.length).isLessThan(32 << 20);
    }
    assertThat(cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void bodiesAheadAreBoundedTogether() throws Exception {
    try (RawHttp http = sending(post(1) + post(30_000) + post(30_000) + post(30_000) + SMALL)) {
      awaitRead();
      goOn.tryEmitEmpty();
      assertThat(answers(http.readToTheEnd())).as("the first, and two ahead").isEqualTo(3);
    }
  }

  @Test
  void aBodyOfManySmallPiecesIsMoreThanItsBytes() throws Exception {
    String pieces =
        "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n"
            + "1\r\n \r\n".repeat(1000);
    try (RawHttp http = sending(post(1) + SMALL + pieces)) {
      awaitRead();
      goOn.tryEmitEmpty();
      assertThat(answers(http.readToTheEnd())).isEqualTo(2);
    }
  }

  @Test
  void whatWasAnsweredCountsNoMore() throws Exception {
    goOn.tryEmitEmpty();
    try (RawHttp http = sending("")) {
      for (int round = 1; round <= 20; round++) {
        http.sendRaw(post(20_000).repeat(4).getBytes(StandardCharsets.US_ASCII));
        int wanted = 4 * round;
        assertThat(answers(http.readUntil(all -> answers(all) == wanted))).isEqualTo(wanted);
      }
    }
  }
}
