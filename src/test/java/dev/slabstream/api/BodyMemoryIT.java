package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.generation.GenerationEvent;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/// The memory that the bodies of all requests take together, over real sockets: clients that send
/// most of a body and stall, ten times as much as there is room for.
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class BodyMemoryIT {
  private static final long BUDGET = 2 << 20;
  private static final int STALLED = 40;
  private static final String MOST_OF_A_BODY = "{\"inputs\":\"" + "x".repeat(500_000);
  private static final String WHOLE_BODY = MOST_OF_A_BODY + "\"}";

  private static EdgeServer server;

  @BeforeAll
  static void start() {
    server =
        EdgeServer.serving(
            "slabstream.api.max-body-size=600KB", "slabstream.api.max-body-memory=2MB");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void everythingIsGivenBack(CapturedOutput output) throws Exception {
    server.generation().play(FakeGeneration.hello(null));
    awaitThat("no connection is left", () -> server.openConnections() == 0);
    awaitThat("nothing is taken", () -> server.bodyBytes() == 0);
    assertThat(output.getAll()).doesNotContain(" ERROR ");
  }

  private static String head(int length, String... headers) {
    return "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n"
        + String.join("\r\n", headers)
        + (headers.length > 0 ? "\r\n\r\n" : "\r\n");
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /// Asks until it is served; whatever comes before that is the refusal.
  private static void awaitAnswer() throws Exception {
    RawHttp.Reply reply = RawHttp.post(server.port(), "/generate", WHOLE_BODY);
    while (reply.status() != 200) {
      assertThat(reply.status()).isEqualTo(503);
      assertThat(reply.body())
          .contains("\"error_type\":\"body_memory\"", "max-body-memory", "\"limit\":" + BUDGET);
      assertThat(reply.header("Retry-After")).isPresent();
      assertBounded();
      Thread.sleep(50);
      reply = RawHttp.post(server.port(), "/generate", WHOLE_BODY);
    }
  }

  private static void assertBounded() {
    assertThat(server.bodyBytes()).isLessThanOrEqualTo(BUDGET);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Accept: */*", HttpTwo.UPGRADE})
  void bodiesThatStallOnConnectionsOfTheirOwn(String header) throws Exception {
    List<RawHttp> stalled = new ArrayList<>();
    try {
      for (int i = 0; i < STALLED; i++) {
        RawHttp http = new RawHttp(server.port());
        stalled.add(http);
        http.sendWhileHeard(ascii(head(WHOLE_BODY.length(), header) + MOST_OF_A_BODY));
        assertBounded();
      }
      awaitThat("they take what there is", () -> server.bodyBytes() > BUDGET / 2);
      awaitAnswer();
    } finally {
      for (RawHttp http : stalled) {
        http.close();
      }
    }
  }

  @Test
  void aBodyThatMadeRoomIsToldWhenItComesToItsEnd() throws Exception {
    List<RawHttp> stalled = new ArrayList<>();
    try (RawHttp first = new RawHttp(server.port())) {
      first.sendRaw(ascii(head(WHOLE_BODY.length(), "Connection: close") + MOST_OF_A_BODY));
      awaitThat("it has come", () -> server.bodyBytes() >= MOST_OF_A_BODY.length());
      for (int i = 0; i < STALLED; i++) {
        RawHttp http = new RawHttp(server.port());
        stalled.add(http);
        http.sendWhileHeard(ascii(head(WHOLE_BODY.length()) + MOST_OF_A_BODY));
      }
      awaitAnswer();
      first.sendRaw(ascii("\"}"));
      RawHttp.Reply reply = first.readReply();
      assertThat(reply.status()).isEqualTo(503);
      assertThat(reply.body()).contains("\"error_type\":\"body_memory\"");
    } finally {
      for (RawHttp http : stalled) {
        http.close();
      }
    }
  }

  @Test
  void bodiesThatStallOnStreamsOfOneConnection() throws Exception {
    ConnectionProvider connections = ConnectionProvider.create("h2c", 1);
    HttpClient.RequestSender generate =
        HttpClient.create(connections)
            .protocol(HttpProtocol.H2C)
            .headers(headers -> headers.set("Content-Type", "application/json"))
            .post()
            .uri("http://localhost:" + server.port() + "/generate");
    Disposable.Composite stalled = Disposables.composite();
    try {
      for (int i = 0; i < STALLED; i++) {
        stalled.add(
            generate
                .send(Flux.concat(Mono.fromSupplier(BodyMemoryIT::mostOfABody), Mono.never()))
                .response()
                .subscribe(_ -> {}, _ -> {}));
        assertBounded();
      }
      awaitThat("they take what there is", () -> server.bodyBytes() > BUDGET / 2);
      awaitAnswer();
      stalled.dispose();
      awaitThat("reset streams give everything back", () -> server.bodyBytes() == 0);
    } finally {
      connections.dispose();
    }
  }

  private static ByteBuf mostOfABody() {
    return Unpooled.copiedBuffer(MOST_OF_A_BODY, StandardCharsets.US_ASCII);
  }

  @Test
  void aRequestHoldsItsBodyUntilItEnds() throws Exception {
    Sinks.Empty<GenerationEvent> goOn = Sinks.empty();
    server.generation().play(Flux.concat(goOn.asMono(), FakeGeneration.hello(null)));
    List<RawHttp> running = new ArrayList<>();
    try {
      for (int i = 0; i < 4; i++) {
        RawHttp http = new RawHttp(server.port());
        running.add(http);
        http.sendRaw(ascii(head(WHOLE_BODY.length(), "Connection: close") + WHOLE_BODY));
      }
      awaitThat("they run", () -> server.bodyBytes() == 4L * WHOLE_BODY.length());
      Thread.sleep(1100); // however long they run, they make no room
      for (String upgrade : new String[] {"Accept: */*", HttpTwo.UPGRADE}) {
        RawHttp.Reply refused = RawHttp.post(server.port(), "/generate", WHOLE_BODY, upgrade);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.body())
            .contains("\"error_type\":\"body_memory\"", "max-body-memory", "\"limit\":" + BUDGET);
        assertThat(refused.header("Retry-After")).isPresent();
      }
      assertThat(RawHttp.exchange(server.port(), "GET", "/health", "").status()).isEqualTo(200);
      goOn.tryEmitEmpty();
      for (RawHttp http : running) {
        assertThat(http.readReply().status()).isEqualTo(200);
      }
      awaitThat("nothing is taken", () -> server.bodyBytes() == 0);
    } finally {
      for (RawHttp http : running) {
        http.close();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"not JSON", "{\"inputs\":\"\"}", "{\"inputs\":\"a\",\"x\":1}"})
  void whatIsRefusedTakesNothing(String body) throws IOException {
    assertThat(RawHttp.post(server.port(), "/generate", body).status()).isBetween(400, 422);
    assertThat(RawHttp.post(server.port(), "/sessions", "[]").status()).isEqualTo(400);
    assertThat(RawHttp.post(server.port(), "/generate", "x".repeat(700_000)).status())
        .isEqualTo(413);
  }

  @Test
  void bodiesAheadOfTheirTurnCountUntilTheConnectionCloses() throws Exception {
    Sinks.Empty<GenerationEvent> goOn = Sinks.empty();
    AtomicLong begun = new AtomicLong();
    server
        .generation()
        .play(
            Flux.concat(goOn.asMono(), FakeGeneration.hello(null))
                .doOnSubscribe(_ -> begun.incrementAndGet()));
    String small = "{\"inputs\":\"a\"}";
    List<RawHttp> running = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        RawHttp http = new RawHttp(server.port());
        running.add(http);
        http.sendRaw(ascii(head(small.length()) + small + head(WHOLE_BODY.length()) + WHOLE_BODY));
      }
      awaitThat("all run", () -> begun.get() == 8);
      awaitThat("what comes ahead counts", () -> server.bodyBytes() > WHOLE_BODY.length());
      try (RawHttp http = new RawHttp(server.port())) {
        http.sendRaw(ascii(head(WHOLE_BODY.length(), "Connection: close") + WHOLE_BODY));
        awaitThat("one whose turn it is has room beside them", () -> begun.get() == 9);
        assertBounded();
        goOn.tryEmitEmpty();
        assertThat(http.readReply().status()).isEqualTo(200);
      }
    } finally {
      for (RawHttp http : running) {
        http.close();
      }
    }
  }
}
