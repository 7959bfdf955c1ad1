package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.BufferLeaks;
import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/// Clients that do not read, or hardly, on real sockets with buffers so small that what they leave
/// unread comes back to the engine.
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class SlowReadersIT {
  private static final int SMALL = 1024;
  private static final int TOKENS = 400;

  /// Of a client: what is in the buffer of its stream, and what both ends of its connection hold in the kernel.
  private static final int MOST_TOKENS_AHEAD = 60;

  /// Bytes of a stream of HTTP/2 that may come before its client says more.
  private static final int NARROW_WINDOW = 1024;

  /// Of a connection: an event that is being written.
  private static final long MOST_PENDING_BYTES = 2048;

  /// Where nobody is ever too slow, and where everybody soon is who does not read.
  private static RunningService patient;

  private static RunningService impatient;

  private RunningService service;

  @BeforeAll
  static void start() throws InterruptedException {
    BufferLeaks.watch();
    patient = start("slabstream.api.slow-client-timeout=1h");
    impatient = start("slabstream.api.slow-client-timeout=1s");
  }

  private static RunningService start(String slowClientTimeout) throws InterruptedException {
    return RunningService.ready(
        "slabstream.kv-cache.size=16MB",
        "slabstream.engine.max-running=16",
        "slabstream.api.send-buffer=4KB",
        "slabstream.api.stream-buffer=8",
        "slabstream.api.write-timeout=1h",
        slowClientTimeout);
  }

  @BeforeEach
  void haveTime() {
    service = patient;
  }

  @AfterAll
  static void stop(CapturedOutput output) throws InterruptedException {
    patient.close();
    impatient.close();
    BufferLeaks.assertNone(output);
  }

  @AfterEach
  void everyLeaseIsBack() throws InterruptedException {
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    awaitThat("nothing runs", () -> stats().running() == 0 && stats().paused() == 0);
  }

  private EngineStats stats() {
    return service.loaded().engine().stats();
  }

  /// A long answer with much about each token, so that it is far longer than all buffers.
  private static byte[] body(int seed, boolean stream) {
    return ("{\"inputs\":\"abc\",\"stream\":"
            + stream
            + ",\"parameters\":{\"ignore_eos\":true,\"details\":true,\"top_n_tokens\":5,"
            + "\"temperature\":1.0,\"seed\":"
            + seed
            + ",\"max_new_tokens\":"
            + TOKENS
            + "}}")
        .getBytes(StandardCharsets.UTF_8);
  }

  private RawHttp send(int seed, boolean stream) throws IOException {
    RawHttp http = new RawHttp(service.port(), SMALL);
    http.send(
        "POST",
        "/generate",
        body(seed, stream),
        "Content-Type: application/json",
        "Connection: close");
    return http;
  }

  /// Waits until so many are paused for good. What the kernel still moves to a client's side may let one of them
  /// go on for a moment: its timer for that begins at 200 ms.
  private void awaitAllStopped(int count) throws InterruptedException {
    awaitThat(
        count + " are paused",
        () -> {
          long tokens = stats().generatedTokens();
          if (stats().paused() != count) {
            return false;
          }
          sleep(1000);
          return stats().paused() == count && stats().generatedTokens() == tokens;
        });
  }

  private static void sleep(int millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// What a client gets that reads as fast as it can.
  private String alone(int seed) throws IOException {
    String body =
        RawHttp.exchange(
                service.port(),
                "POST",
                "/generate",
                body(seed, true),
                "Content-Type: application/json")
            .body();
    assertThat(body).contains("\"index\":" + TOKENS + ",").endsWith("\n\n");
    return body;
  }

  @Test
  void clientsThatReadNothingArePausedAndOthersGoOn() throws Exception {
    String expected = alone(100);
    long tokensBefore = stats().generatedTokens();
    List<RawHttp> silent = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      silent.add(send(i, true));
    }
    RawHttp trickling = send(10, true);
    AtomicBoolean trickle = new AtomicBoolean(true);
    Thread reader = Thread.ofPlatform().start(() -> readAByteASecond(trickling, trickle));

    awaitAllStopped(11);
    assertThat(stats().running()).as("they keep their leases").isEqualTo(11);
    assertThat(service.slab().openLeases()).isEqualTo(11);
    long tokens = stats().generatedTokens();
    assertThat(tokens - tokensBefore)
        .as("what they have not read is a small part of their answers")
        .isLessThan(11 * MOST_TOKENS_AHEAD);
    assertThat(service.connections().mostPendingBytes())
        .as("and next to nothing of it is in the server's buffers")
        .isBetween(1L, MOST_PENDING_BYTES);
    assertThat(alone(100)).as("others are served as ever").isEqualTo(expected);
    assertThat(stats().generatedTokens() - tokens)
        .as("nothing was computed for those that do not read")
        .isEqualTo(TOKENS);
    assertThat(stats().paused()).isEqualTo(11);
    assertThat(gauge("slabstream_sequences_paused")).isEqualTo(11);

    trickle.set(false);
    reader.join();
    trickling.close();
    for (RawHttp http : silent) {
      http.close();
    }
  }

  @Test
  void clientsThatReadNothingAreCancelled() throws Exception {
    service = impatient;
    String expected = alone(100);
    double before = cancelledSlow();
    List<RawHttp> silent = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      silent.add(send(i, true));
    }
    RawHttp trickling = send(10, true);
    AtomicBoolean trickle = new AtomicBoolean(true);
    Thread reader = Thread.ofPlatform().start(() -> readAByteASecond(trickling, trickle));

    awaitThat("all are cancelled and counted", () -> cancelledSlow() == before + 11);
    awaitThat("nothing runs", () -> stats().running() == 0);
    assertThat(service.slab().openLeases()).isZero();
    for (RawHttp http : silent) {
      assertThat(isClosedByServer(http)).as("the socket is closed").isTrue();
      http.close();
    }
    trickle.set(false);
    reader.join();
    assertThat(isClosedByServer(trickling)).isTrue();
    trickling.close();
    assertThat(alone(100)).isEqualTo(expected);
  }

  @Test
  void clientThatReadsOnGetsEveryByteHoweverOftenItStopped() throws Exception {
    String expected = alone(7);
    try (RawHttp http = send(7, true)) {
      for (int indexRead = 0; indexRead < TOKENS - 100; indexRead += 60) {
        awaitThat("it is paused", () -> stats().paused() == 1);
        assertThat(stats().generatedTokens()).isPositive();
        int wanted = indexRead + 60;
        http.readUntil(text -> text.contains("\"index\":" + wanted + ","));
      }
      awaitThat("it is paused once more", () -> stats().paused() == 1);
      assertThat(http.readReply().body()).isEqualTo(expected);
    }
  }

  /// A stream of HTTP/2 that 1,024 bytes of may come; those together may be as long as they like.
  private HttpTwo withNarrowStreams() throws IOException {
    int initialWindowSize = 4;
    HttpTwo connection =
        new HttpTwo(service.port(), HttpTwo.setting(initialWindowSize, NARROW_WINDOW));
    connection.widen(0, 1 << 24);
    return connection;
  }

  /// Reads frames until `stream` ends by a frame of `type`: what came of each stream.
  private static Map<Integer, String> readToTheEndOf(int stream, int type, HttpTwo connection)
      throws IOException {
    Map<Integer, String> received = new HashMap<>();
    while (true) {
      HttpTwo.Frame frame = connection.read();
      if (frame.type() == HttpTwo.DATA) {
        String data = new String(frame.payload(), StandardCharsets.ISO_8859_1);
        received.merge(frame.stream(), data, String::concat);
      }
      boolean ends =
          frame.type() == HttpTwo.RST_STREAM
              || frame.type() == HttpTwo.DATA && (frame.flags() & HttpTwo.END_STREAM) != 0;
      if (ends && frame.stream() == stream) {
        assertThat(frame.type()).isEqualTo(type);
        return received;
      }
    }
  }

  private static String latin(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  @Test
  void streamOfHttpTwoWhoseWindowIsShutIsPausedAndOthersOfItsConnectionGoOn() throws Exception {
    String expected = alone(100);
    try (HttpTwo connection = withNarrowStreams()) {
      connection.post(1, body(1, true));
      awaitAllStopped(1);
      long tokens = stats().generatedTokens();
      connection.post(3, body(100, true));
      connection.widen(3, 1 << 24);
      Map<Integer, String> received = readToTheEndOf(3, HttpTwo.DATA, connection);
      assertThat(received.get(3)).isEqualTo(latin(expected));
      assertThat(received.get(1)).hasSizeLessThanOrEqualTo(NARROW_WINDOW);
      assertThat(stats().generatedTokens() - tokens).isEqualTo(TOKENS);
      assertThat(stats().paused()).isEqualTo(1);

      connection.widen(1, 1 << 24);
      String rest = readToTheEndOf(1, HttpTwo.DATA, connection).get(1);
      assertThat(received.get(1) + rest).isEqualTo(latin(alone(1)));
    }
  }

  @Test
  void streamOfHttpTwoWhoseWindowStaysShutIsResetAndItsConnectionServesOn() throws Exception {
    service = impatient;
    String expected = alone(100);
    double before = cancelledSlow();
    try (HttpTwo connection = withNarrowStreams()) {
      connection.post(1, body(1, true));
      Map<Integer, String> received = readToTheEndOf(1, HttpTwo.RST_STREAM, connection);
      assertThat(received.get(1)).hasSizeLessThanOrEqualTo(NARROW_WINDOW);
      awaitThat("it is counted", () -> cancelledSlow() == before + 1);
      awaitThat("its lease is back", () -> service.slab().openLeases() == 0);

      connection.post(3, body(100, true));
      connection.widen(3, 1 << 24);
      assertThat(readToTheEndOf(3, HttpTwo.DATA, connection).get(3)).isEqualTo(latin(expected));
    }
  }

  @Test
  void replyThatIsNotStreamedIsNeverPaused() throws Exception {
    long tokens = stats().generatedTokens();
    try (RawHttp http = send(3, false)) {
      awaitThat("it is computed to the end", () -> stats().generatedTokens() == tokens + TOKENS);
      awaitThat("its lease is back before it is read", () -> service.slab().openLeases() == 0);
      RawHttp.Reply reply = http.readReply();
      assertThat(reply.status()).isEqualTo(200);
      assertThat(reply.body()).contains("\"generated_tokens\":" + TOKENS);
    }
  }

  private static void readAByteASecond(RawHttp http, AtomicBoolean goOn) {
    try {
      while (goOn.get() && http.readByte() >= 0) {
        Thread.sleep(1000);
      }
    } catch (IOException | InterruptedException e) {
      // Closed: the caller sees it for itself.
    }
  }

  /// Reads what is left; true when it ends, and not with the end of the stream.
  private static boolean isClosedByServer(RawHttp http) throws IOException {
    try {
      String received = http.readUntil(_ -> false);
      assertThat(received).doesNotContain("\"index\":" + TOKENS + ",");
      return true;
    } catch (SocketException e) {
      return true;
    }
  }

  private double cancelledSlow() {
    return gauge("slabstream_requests_cancelled_total{by=\"slow_client\",phase=\"decode\"}");
  }

  private double gauge(String series) {
    try {
      return RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "")
          .body()
          .lines()
          .filter(line -> line.startsWith(series + " "))
          .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
          .findFirst()
          .orElseThrow(() -> new AssertionError(series + " is not scraped"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
