package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.RunningService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a client gets when all connections are taken: nothing, unless it is a probe.
@Timeout(60)
final class ConnectionLimitIT {
  private static final int MAX = 5;
  private static final String GOOD = "{\"inputs\":\"abc\"}";

  private final List<RawHttp> open = new ArrayList<>();
  private EdgeServer server;

  @BeforeEach
  void holdAllConnections() throws Exception {
    server =
        EdgeServer.serving(
            "slabstream.api.max-connections=" + MAX, "server.netty.idle-timeout=60s");
    connect(MAX);
  }

  @AfterEach
  void stop() throws Exception {
    for (RawHttp http : open) {
      http.close();
    }
    assertThat(RunningService.await(() -> server.openConnections() == 0)).isTrue();
    server.close();
  }

  private void connect(int more) throws IOException, InterruptedException {
    int before = server.openConnections();
    for (int i = 0; i < more; i++) {
      open.add(new RawHttp(server.port()));
    }
    assertThat(RunningService.await(() -> server.openConnections() == before + more)).isTrue();
  }

  private String answer(String request) throws IOException {
    try (RawHttp http = new RawHttp(server.port())) {
      http.sendWhileHeard(request.getBytes(StandardCharsets.ISO_8859_1));
      return http.readToTheEnd();
    }
  }

  private static String get(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/health",
        "/actuator/health",
        "/actuator/health/liveness",
        "/actuator/health/readiness?verbose",
        "/actuator/prometheus"
      })
  void aProbeIsAnsweredAndItsConnectionClosed(String path) throws Exception {
    // The liveness group needs the engine, which is not here: what matters is that there is an
    // answer.
    assertThat(answer(get(path))).matches("(?si)HTTP/1\\.1 (200|404) .*connection: close.*");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/info", "/healthy", "/actuator", "/actuator/prometheus2", "/"})
  void whatElseIsAskedForIsNotAnswered(String path) throws Exception {
    assertThat(answer(get(path))).isEmpty();
  }

  @Test
  void aGenerationIsNotAnsweredNorBegun() throws Exception {
    assertThat(
            answer(
                "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
                    + GOOD.length()
                    + "\r\n\r\n"
                    + GOOD))
        .isEmpty();
    assertThat(server.generation().requests).isEmpty();
  }

  @Test
  void behindAProbeNothingElseIsAnswered() throws Exception {
    assertThat(answer(get("/health") + get("/info") + get("/health")).split("HTTP/1\\.1 ", -1))
        .as("what is before, and one answer")
        .hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
        "GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
      })
  void http2IsNotSpoken(String beginning) throws Exception {
    // Closed at once, and not after what a probe may take.
    assertThat(answer(beginning)).doesNotContain(" 200 ");
  }

  @Test
  void aConnectionThatAsksNothingIsClosed() throws Exception {
    assertThat(answer("")).isEmpty();
  }

  @Test
  void whoHoldsTheReserveMakesRoomForAProbe() throws Exception {
    connect(64);
    RawHttp oldest = open.get(MAX);
    for (int i = 0; i < 3; i++) {
      assertThat(answer(get("/health"))).startsWith("HTTP/1.1 200 ");
    }
    assertThat(oldest.readToTheEnd()).isEmpty();
  }

  @Test
  void thereIsRoomAgainWhenOneCloses() throws Exception {
    open.removeLast().close();
    assertThat(RunningService.await(() -> server.openConnections() == MAX - 1)).isTrue();
    assertThat(RawHttp.post(server.port(), "/generate", GOOD).status()).isEqualTo(200);
  }

  @Test
  void theReserveTakesNoPlaceOfOthers() throws Exception {
    connect(3);
    RawHttp regular = open.removeFirst();
    regular.close();
    assertThat(RunningService.await(() -> server.openConnections() == MAX + 2)).isTrue();
    assertThat(RawHttp.post(server.port(), "/generate", GOOD).status()).isEqualTo(200);
  }
}
