package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import dev.slabstream.engine.QueueStats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A full queue and limits of time on real sockets: two run, and their text is long enough to keep others waiting. Where time does
/// not matter it is the embedded model's; where it does, a tiny one's whose layers sleep, so that its steps take the same time however
/// busy the machine is.
final class AdmissionIT {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// Where nobody's time is ever over, and where it soon is.
  private static RunningService patient;

  private static RunningService hurried;
  private static final Duration LAYER_TIME = Duration.ofMillis(20);

  private final List<RawHttp> open = new ArrayList<>();
  private RunningService service;

  /// Of an answer that does not end before the test does.
  private int manyTokens;

  @BeforeAll
  static void start() throws InterruptedException {
    patient =
        RunningService.ready(
            "slabstream.model.path="
                + Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf").toAbsolutePath(),
            "slabstream.model.warm-up=false",
            "slabstream.kv-cache.size=200MB",
            "slabstream.engine.max-running=2",
            "slabstream.engine.max-queue=2",
            "slabstream.engine.max-queue-tokens=300",
            "slabstream.engine.max-queue-time=1h",
            "slabstream.engine.request-timeout=1h");
    hurried =
        RunningService.faulty(
            "slabstream.engine.max-running=2",
            "slabstream.engine.max-queue=2",
            "slabstream.engine.max-queue-time=2500ms",
            "slabstream.engine.request-timeout=12s");
    hurried
        .kernels()
        .before(
            (operation, _) -> {
              if (operation.equals("swiGlu")) {
                LockSupport.parkNanos(LAYER_TIME.toNanos());
              }
            });
  }

  @BeforeEach
  void haveTime() {
    service = patient;
    manyTokens = 4000;
  }

  private void hurry() {
    service = hurried;
    // Three layers a token: 27 s at least.
    manyTokens = 450;
  }

  @AfterAll
  static void stop() {
    patient.close();
    hurried.close();
  }

  @AfterEach
  void nothingIsLeft() throws IOException, InterruptedException {
    for (RawHttp http : open) {
      http.close();
    }
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    awaitThat("every place is back", () -> queue().equals(new QueueStats(0, 0)));
  }

  private QueueStats queue() {
    return service.loaded().engine().gate().stats();
  }

  private static String body(String inputs, int maxNewTokens, boolean stream) {
    return ("{\"inputs\":\"%s\",\"stream\":%s,"
            + "\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":%d}}")
        .formatted(inputs, stream, maxNewTokens);
  }

  private RawHttp send(String body, String... headers) throws IOException {
    RawHttp http = new RawHttp(service.port());
    open.add(http);
    String[] all = java.util.Arrays.copyOf(headers, headers.length + 2);
    all[headers.length] = "Content-Type: application/json";
    all[headers.length + 1] = "Connection: close";
    http.send("POST", "/generate", body.getBytes(StandardCharsets.UTF_8), all);
    return http;
  }

  private RawHttp.Reply post(String body) throws IOException {
    return RawHttp.post(service.port(), "/generate", body);
  }

  /// Two streams that run until the test ends.
  private void occupy() throws IOException {
    for (int i = 0; i < 2; i++) {
      send(body("Once upon a time", manyTokens, true))
          .readUntil(text -> text.contains("\"index\":1,"));
    }
  }

  private static JsonNode refusal(RawHttp.Reply reply, int status, String errorType) {
    assertThat(reply.status()).as(reply.body()).isEqualTo(status);
    assertThat(reply.header("content-type")).hasValue("application/json");
    JsonNode body = JSON.readTree(reply.body());
    assertThat(body.path("error_type").stringValue()).isEqualTo(errorType);
    return body;
  }

  private static void assertRetryAfter(RawHttp.Reply reply) {
    assertThat(reply.header("retry-after").map(Integer::parseInt))
        .hasValueSatisfying(seconds -> assertThat(seconds).isBetween(1, 60));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void oneRequestTooManyIsRefusedAtOnceWithBothNumbers(boolean stream)
      throws IOException, InterruptedException {
    occupy();
    RawHttp first = send(body("a", 5, true));
    send(body("a", 5, false));
    awaitThat("two wait", () -> queue().requests() == 2);
    RawHttp.Reply reply = post(body("a", 5, stream));
    JsonNode refusal = refusal(reply, 429, "overloaded");
    assertThat(refusal.path("limit").intValue()).isEqualTo(2);
    assertThat(refusal.path("actual").intValue()).isEqualTo(3);
    assertRetryAfter(reply);

    // One that waits goes away: there is room for another.
    first.close();
    awaitThat("one waits", () -> queue().requests() == 1);
    send(body("a", 5, stream));
    awaitThat("two wait again", () -> queue().requests() == 2);
  }

  @Test
  void oneTokenTooManyIsRefusedAtOnceWithBothNumbers() throws IOException, InterruptedException {
    occupy();
    // A token for each word.
    send(body("the" + " the".repeat(254), 5, true));
    awaitThat("it waits", () -> queue().promptTokens() > 250);
    RawHttp.Reply reply = post(body("the quick brown fox jumps over ".repeat(20), 5, true));
    JsonNode refusal = refusal(reply, 429, "overloaded");
    assertThat(refusal.path("limit").intValue()).isEqualTo(300);
    assertThat(refusal.path("actual").intValue()).isGreaterThan(300);
    assertRetryAfter(reply);
    send(body("a", 5, true));
    awaitThat("a short one waits", () -> queue().requests() == 2);
  }

  @Test
  void whoIsNotAdmittedInTimeIsToldSoByAStatus() throws IOException {
    hurry();
    occupy();
    RawHttp streamed = send(body("a", 5, true));
    RawHttp whole = send(body("a", 5, false));
    for (RawHttp http : List.of(streamed, whole)) {
      RawHttp.Reply reply = http.readReply();
      JsonNode refusal = refusal(reply, 503, "queue_timeout");
      assertThat(refusal.path("limit").doubleValue()).isEqualTo(2.5);
      assertRetryAfter(reply);
    }
    assertThat(service.slab().openLeases()).as("the others run on").isEqualTo(2);
  }

  @Test
  void whoDoesNotEndInTimeIsEnded() throws IOException, InterruptedException {
    hurry();
    RawHttp streamed = send(body("Once upon a time", manyTokens, true));
    RawHttp whole = send(body("Once upon a time", manyTokens, false));
    RawHttp.Reply reply = streamed.readReply();
    assertThat(reply.status()).isEqualTo(200);
    assertThat(reply.body())
        .contains("\"index\":1,")
        .containsPattern(
            "data: \\{\"error\":\"[^\"]+\",\"error_type\":\"timeout\",\"limit\":12}\n\n$");
    reply = whole.readReply();
    assertThat(refusal(reply, 504, "timeout").path("limit").intValue()).isEqualTo(12);
    assertThat(reply.header("retry-after")).isEmpty();
    String scrape = RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "").body();
    assertThat(scrape)
        .contains("slabstream_requests_failed_total{error_type=\"timeout\"} ")
        .doesNotContain("slabstream_requests_failed_total{error_type=\"timeout\"} 0.0");
  }

  @Test
  void requestOfADeletedSessionIsToldSoThoughItStillWaited()
      throws IOException, InterruptedException {
    String path =
        RawHttp.exchange(service.port(), "POST", "/sessions", "").header("location").orElseThrow();
    occupy();
    RawHttp waiting =
        send(body("a", 5, true), "X-Session-Id: " + path.substring("/sessions/".length()));
    awaitThat("it waits", () -> queue().requests() == 1);
    assertThat(RawHttp.exchange(service.port(), "DELETE", path, "").status()).isEqualTo(204);
    refusal(waiting.readReply(), 409, "session_deleted");
  }
}
