package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.BufferLeaks;
import dev.slabstream.config.RunningService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
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

/// What is hardly HTTP, and who means ill, on real sockets: no defect, no lease, no connection left,
/// and the next request is right.
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class HostileHttpIT {
  private static final String GOOD =
      "{\"inputs\":\"abc\",\"stream\":true,\"parameters\":{\"max_new_tokens\":8,\"ignore_eos\":true}}";
  private static final String JSON = "Content-Type: application/json\r\n";

  private static RunningService service;
  private static String expected;

  @BeforeAll
  static void start() throws Exception {
    BufferLeaks.watch();
    service =
        RunningService.ready(
            "server.netty.idle-timeout=2s",
            "slabstream.api.body-timeout=2s",
            "slabstream.api.write-timeout=2s",
            "slabstream.api.max-connections=2100",
            "slabstream.api.send-buffer=4KB");
    expected = RawHttp.post(service.port(), "/generate", GOOD).body();
    assertThat(expected).contains("\"index\":8,");
  }

  @AfterAll
  static void stop(CapturedOutput output) throws InterruptedException {
    service.close();
    BufferLeaks.assertNone(output);
  }

  @AfterEach
  void nothingIsLeft(CapturedOutput output) throws Exception {
    assertThat(RawHttp.post(service.port(), "/generate", GOOD).body())
        .as("the next request is right")
        .isEqualTo(expected);
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    awaitThat("no connection is left", () -> service.openConnections() == 0);
    assertThat(output.getAll()).doesNotContain(" ERROR ");
  }

  /// Sends these bytes, and gives what comes back until the server closes; empty when it only closes.
  private static String answer(String request) throws IOException {
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendWhileHeard(request.getBytes(StandardCharsets.ISO_8859_1));
      return http.readToTheEnd();
    }
  }

  private static void refused(String answer) {
    assertThat(answer).doesNotContain(" 500 ").doesNotContain("Exception").doesNotContain("\tat ");
    assertThat(answer.isEmpty() || answer.matches("(?s)HTTP/1\\.1 4\\d\\d .*")).as(answer).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "zzz\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "5\r\n{\"in\r\n",
        "3\r\n{\"inputs\":\"abc\"}\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "\r\n\r\n\r\n"
      })
  void malformedChunks(String chunks) throws IOException {
    refused(
        answer(
            "POST /generate HTTP/1.1\r\nHost: a\r\n"
                + JSON
                + "Transfer-Encoding: chunked\r\n\r\n"
                + chunks));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET  /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA\0B: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n",
        "GET /%zz%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all, but long enough for one",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003 a TLS hello\r\n\r\n"
      })
  void malformedHeads(String request) throws IOException {
    String answer = answer(request);
    assertThat(answer).doesNotContain(" 500 ").doesNotContain("Exception").doesNotContain(" 200 ");
  }

  @Test
  void hundredMegabytesOfHeaders() throws IOException {
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendRaw("GET / HTTP/1.1\r\nHost: a\r\n".getBytes(StandardCharsets.US_ASCII));
      byte[] header =
          ("X-Large: " + "x".repeat(65_500) + "\r\n").getBytes(StandardCharsets.US_ASCII);
      for (int i = 0; i < 1600 && http.sendWhileHeard(header); i++) {}
      refused(http.readToTheEnd());
    }
    refused(answer("GET /" + "x".repeat(1 << 20) + " HTTP/1.1\r\nHost: a\r\n\r\n"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void hundredMegabytesOfBody(boolean chunked) throws IOException {
    byte[] part = new byte[1 << 20];
    Arrays.fill(part, (byte) 'x');
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendRaw(
          ("POST /generate HTTP/1.1\r\nHost: a\r\n"
                  + JSON
                  + (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + (100 << 20))
                  + "\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      boolean heard = true;
      for (int i = 0; i < 100 && heard; i++) {
        heard =
            (!chunked || http.sendWhileHeard("100000\r\n".getBytes(StandardCharsets.US_ASCII)))
                && http.sendWhileHeard(part)
                && (!chunked || http.sendWhileHeard("\r\n".getBytes(StandardCharsets.US_ASCII)));
      }
      refused(http.readToTheEnd());
    }
  }

  @Test
  void headersThatTrickle() throws Exception {
    try (RawHttp http = new RawHttp(service.port())) {
      assertThat(
              trickle(http, "POST /generate HTTP/1.1\r\nHost: a\r\n" + "X-A: b\r\n".repeat(1000)))
          .as("it is not waited for to the end")
          .isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Accept: */*", HttpTwo.UPGRADE, "Connection: Upgrade\r\nUpgrade: unheard/of"})
  void bodyThatTrickles(String header) throws Exception {
    double before = tooSlow();
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendRaw(
          ("POST /generate HTTP/1.1\r\nHost: a\r\n"
                  + JSON
                  + header
                  + "\r\nContent-Length: 10000\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      assertThat(trickle(http, " ".repeat(10_000))).isFalse();
      RawHttp.Reply reply = http.readReply();
      assertThat(reply.status()).isEqualTo(408);
      assertThat(reply.header("Connection")).hasValue("close");
      assertThat(reply.header("Content-Type")).hasValue("application/json");
      assertThat(reply.body())
          .isEqualTo(
              "{\"error\":\"the body did not come within 2000 ms\",\"error_type\":\"body_timeout\",\"limit\":2000}");
    }
    assertThat(tooSlow()).as("counted").isEqualTo(before + 1);
  }

  @Test
  void bodyThatTricklesOnAStreamOfHttpTwo() throws Exception {
    double before = tooSlow();
    try (HttpTwo connection = new HttpTwo(service.port(), HttpTwo.bytes())) {
      connection.send(HttpTwo.HEADERS, HttpTwo.END_HEADERS, 1, HttpTwo.POST_GENERATE);
      AtomicBoolean goOn = new AtomicBoolean(true);
      Thread trickle = Thread.ofPlatform().start(() -> trickle(connection, goOn));
      assertThat(connection.readData(1)).contains("\"error_type\":\"body_timeout\"");
      goOn.set(false);
      trickle.join();
      assertThat(tooSlow()).as("counted").isEqualTo(before + 1);

      connection.post(3, GOOD.getBytes(StandardCharsets.UTF_8));
      assertThat(connection.readData(3)).as("the connection serves on").isEqualTo(expected);
    }
  }

  private static void trickle(HttpTwo connection, AtomicBoolean goOn) {
    try {
      while (goOn.get()) {
        connection.send(HttpTwo.DATA, 0, 1, HttpTwo.bytes(' '));
        Thread.sleep(50);
      }
    } catch (IOException | InterruptedException e) {
      // Who reads sees it.
    }
  }

  private static double tooSlow() throws IOException {
    return scraped("slabstream_requests_refused_total{error_type=\"body_timeout\"} ");
  }

  private static double scraped(String series) throws IOException {
    return RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "")
        .body()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
        .findFirst()
        .orElseThrow();
  }

  /// Sends byte by byte; false when the server answers or closes meanwhile.
  private static boolean trickle(RawHttp http, String text) throws InterruptedException {
    try {
      for (byte b : text.getBytes(StandardCharsets.US_ASCII)) {
        if (http.isAnswered()) {
          return false;
        }
        http.sendRaw(new byte[] {b});
        Thread.sleep(50);
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void wrongContentLength() throws Exception {
    // Too long: the client waits for an answer that waits for the rest, or goes away.
    String half =
        "POST /generate HTTP/1.1\r\nHost: a\r\n" + JSON + "Content-Length: 1000\r\n\r\n" + GOOD;
    refused(answer(half));
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendRaw(half.getBytes(StandardCharsets.US_ASCII));
      Thread.sleep(100);
    }
    // Too short: the rest is no request.
    String answers =
        answer(
            "POST /generate HTTP/1.1\r\nHost: a\r\n" + JSON + "Content-Length: 10\r\n\r\n" + GOOD);
    assertThat(answers).startsWith("HTTP/1.1 400 ").doesNotContain(" 500 ").doesNotContain(" 200 ");
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws IOException {
    String one =
        "POST /generate HTTP/1.1\r\nHost: a\r\n"
            + JSON
            + "Content-Length: "
            + GOOD.length()
            + "\r\n\r\n"
            + GOOD;
    String bad = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";
    String last = "GET /actuator/health/liveness HTTP/1.1\r\nHost: a\r\n\r\n";
    String answers;
    try (RawHttp http = new RawHttp(service.port())) {
      http.sendRaw((one + bad + one + bad + last).getBytes(StandardCharsets.ISO_8859_1));
      answers = http.readUntil(text -> statuses(text).size() == 5 && text.endsWith("}"));
    }
    assertThat(statuses(answers)).containsExactly(200, 404, 200, 404, 200);
    assertThat(answers.split("\"index\":8,", -1)).hasSize(3);
  }

  private static List<Integer> statuses(String answers) {
    return java.util.regex.Pattern.compile("HTTP/1\\.1 (\\d{3}) ")
        .matcher(answers)
        .results()
        .map(match -> Integer.parseInt(match.group(1)))
        .toList();
  }

  @Test
  void twoThousandIdleConnectionsAreServedBesideAndClosed() throws Exception {
    List<RawHttp> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 2000; i++) {
        idle.add(new RawHttp(service.port()));
      }
      assertThat(RawHttp.post(service.port(), "/generate", GOOD).body()).isEqualTo(expected);
      for (RawHttp http : idle) {
        assertThat(http.readToTheEnd()).as("closed without a word").isEmpty();
      }
    } finally {
      for (RawHttp http : idle) {
        http.close();
      }
    }
  }

  @Test
  void replyThatNobodyReadsIsNotKeptForEver() throws Exception {
    String body =
        "{\"inputs\":\"abc\",\"parameters\":{\"max_new_tokens\":400,\"ignore_eos\":true,\"details\":true,"
            + "\"top_n_tokens\":5}}";
    long computed = computedTokens();
    try (RawHttp http = new RawHttp(service.port(), 1024)) {
      http.send(
          "POST",
          "/generate",
          body.getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json");
      awaitThat("there is a reply", () -> computedTokens() == computed + 400);
      awaitThat("it is closed", () -> service.openConnections() == 0);
      assertThat(http.readToTheEnd()).doesNotEndWith("]]}}");
    }
  }

  private static long computedTokens() {
    return service.loaded().engine().stats().generatedTokens();
  }

  @Test
  void textThatIsHardlyText() throws IOException {
    byte[] invalid = "{\"inputs\":\"hiX\"}".getBytes(StandardCharsets.UTF_8);
    invalid[13] = (byte) 0xC0;
    assertThat(
            RawHttp.exchange(
                    service.port(), "POST", "/generate", invalid, "Content-Type: application/json")
                .status())
        .isEqualTo(400);
    for (String inputs :
        List.of(
            "\\ud83d", "\\udc00\\ud83d", "\\u0000", "\\u0001\\u001b[2J\\u007f", "\\ufeff\\uffff")) {
      RawHttp.Reply reply =
          RawHttp.post(
              service.port(),
              "/generate",
              "{\"inputs\":\""
                  + inputs
                  + "\",\"parameters\":{\"max_new_tokens\":2,"
                  + "\"decoder_input_details\":true,\"return_full_text\":true}}");
      assertThat(reply.status()).as(inputs).isEqualTo(200);
    }
    assertThat(RawHttp.post(service.port(), "/generate", "{\"inputs\":\"a\0b\"}").status())
        .isEqualTo(400);
    for (String nested :
        List.of(
            "[".repeat(100_000), "{\"a\":".repeat(100_000), "{\"inputs\":" + "[".repeat(200_000))) {
      assertThat(RawHttp.post(service.port(), "/generate", nested).status()).isEqualTo(400);
    }
  }
}
