package dev.slabstream.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.SlabstreamApplication;
import dev.slabstream.api.RawHttp;
import dev.slabstream.config.SlowService;
import dev.slabstream.config.TestModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// SIGTERM, seen from outside: a process of its own, real sockets, the exit code.
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "has no SIGTERM")
@Timeout(180)
class ShutdownIT {
  /// Of a process that SIGTERM ended: 128 + 15.
  private static final int TERMINATED = 143;

  /// What the service promises to need beyond drain delay and grace period.
  private static final Duration CLOSING = Duration.ofSeconds(10);

  @TempDir private Path folder;

  /// A service whose model takes its time, over a slab and a context that hold some 500 tokens.
  private LaunchedService slow(Duration layerTime, String... settings) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--slabstream.model.path=" + TestModel.TINY,
                "--slabstream.model.warm-up=false",
                "--slabstream.kv-cache.size=4MB",
                "--slabstream.engine.threads=1"));
    all.addAll(List.of(settings));
    return LaunchedService.start(
        SlowService.class,
        List.of(
            "-D" + SlowService.LAYER_TIME + "=" + layerTime,
            "-D" + SlowService.HANG_FILE + "=" + folder.resolve("hang")),
        folder.resolve("log"),
        LaunchedService::isReady,
        all.toArray(String[]::new));
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("log"));
  }

  private static String body(int maxNewTokens, boolean stream) {
    return "{\"inputs\":\"Once\",\"stream\":%b,\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":%d}}"
        .formatted(stream, maxNewTokens);
  }

  /// A stream of which the first token has come.
  private static RawHttp stream(int port, int maxNewTokens) throws IOException {
    RawHttp http = new RawHttp(port);
    http.send(
        "POST",
        "/generate",
        body(maxNewTokens, true).getBytes(StandardCharsets.UTF_8),
        "Content-Type: application/json",
        "Connection: close");
    http.readUntil(text -> text.contains("\"index\":1,"));
    return http;
  }

  private static RawHttp.Reply get(int port, String path) throws IOException {
    return RawHttp.exchange(port, "GET", path, "");
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("it does not come true").isLessThan(deadline);
      Thread.sleep(10);
    }
  }

  @Test
  void readinessFallsFirstThenNewRequestsAreRefusedAndRunningOnesFinish() throws Exception {
    Duration delay = Duration.ofSeconds(8);
    Duration grace = Duration.ofSeconds(90);
    try (LaunchedService service =
        slow(
            Duration.ofMillis(10),
            "--slabstream.shutdown.drain-delay=" + delay,
            "--slabstream.shutdown.grace-period=" + grace)) {
      int port = service.port();
      try (RawHttp running = stream(port, 450);
          RawHttp another = stream(port, 450)) {
        service.terminate();
        await(() -> !LaunchedService.isReady(port));
        // The delay has begun: whoever has not noticed yet is served all the same.
        assertThat(get(port, "/health").status()).isEqualTo(503);
        assertThat(get(port, "/actuator/health/liveness").status()).isEqualTo(200);
        assertThat(RawHttp.post(port, "/generate", body(2, false)).status()).isEqualTo(200);
        try (RawHttp late = stream(port, 300)) {
          // Nothing ends while it is looked at what is told during the drain.
          Files.createFile(folder.resolve("hang"));
          await(() -> get(port, "/info").status() == 503);
          RawHttp.Reply refused = RawHttp.post(port, "/generate", body(2, false));
          assertThat(refused.status()).isEqualTo(503);
          assertThat(refused.body()).contains("\"error_type\":\"draining\"");
          assertThat(get(port, "/actuator/health/liveness").status()).isEqualTo(200);
          // Once more: it changes nothing.
          service.terminate();
          Files.delete(folder.resolve("hang"));

          assertThat(late.readReply().body()).contains("\"index\":300,").doesNotContain("error");
        }
        assertThat(running.readReply().body()).contains("\"index\":450,").doesNotContain("error");
        assertThat(another.readReply().body()).contains("\"index\":450,").doesNotContain("error");
      }
      assertThat(service.exitCode(CLOSING)).isEqualTo(TERMINATED);
    }
    assertThat(log()).contains("every lease is back").doesNotContain(" ERROR ", " WARN ");
  }

  @Test
  void whatIsLongerThanTheGracePeriodGetsALastEventThatSaysSo() throws Exception {
    try (LaunchedService service =
        slow(Duration.ofMillis(50), "--slabstream.shutdown.grace-period=1s")) {
      List<RawHttp> running = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        running.add(stream(service.port(), 450));
      }
      for (RawHttp each : running) {
        each.readUntil(text -> text.contains("\"index\":2,"));
      }
      service.terminate();
      for (RawHttp each : running) {
        // The reply is read to its last chunk: it was not cut off.
        assertThat(each.readReply().body())
            .containsPattern("\"index\":2,")
            .containsPattern("data: \\{\"error\":\"[^\"]+\",\"error_type\":\"cancelled\"}\n\n$");
        each.close();
      }
      assertThat(service.exitCode(CLOSING)).isEqualTo(TERMINATED);
    }
    assertThat(log())
        .contains("The grace period is over; 4 requests are cancelled", "every lease is back")
        .doesNotContain(" ERROR ");
  }

  @Test
  void aStepThatHangsFailsTheLivenessProbeAndDoesNotKeepTheProcess() throws Exception {
    Duration grace = Duration.ofSeconds(1);
    try (LaunchedService service =
        slow(
            Duration.ofMillis(5),
            "--slabstream.health.stuck-after=2s",
            "--slabstream.shutdown.grace-period=" + grace)) {
      int port = service.port();
      try (RawHttp running = stream(port, 450)) {
        assertThat(get(port, "/actuator/health/liveness").status()).isEqualTo(200);
        Files.createFile(folder.resolve("hang"));
        await(() -> get(port, "/actuator/health/liveness").status() == 503);
        assertThat(get(port, "/actuator/health/liveness").body())
            .containsPattern("no sign of life for \\d+ s.*slabstream.health.stuck-after.*DOWN");
        assertThat(get(port, "/actuator/prometheus").body())
            .containsPattern("(?m)^slabstream_engine_silence_seconds(\\{.*})? ([2-9]|\\d{2,})\\.");

        service.terminate();
        assertThat(running.readReply().body())
            .containsPattern("data: \\{\"error\":\"[^\"]+\",\"error_type\":\"cancelled\"}\n\n$");
      }
      assertThat(service.exitCode(grace.plus(CLOSING))).isEqualTo(TERMINATED);
    }
    assertThat(log())
        .contains("A step of the engine does not end", "1 leases that did not come back")
        .doesNotContain("every lease is back");
  }

  @Test
  void whileTheModelLoadsThereIsNothingToWaitFor() throws Exception {
    try (LaunchedService service =
        LaunchedService.start(
            SlabstreamApplication.class,
            List.of(),
            folder.resolve("log"),
            _ -> true,
            "--slabstream.shutdown.drain-delay=1h",
            "--slabstream.kv-cache.size=64MB")) {
      service.terminate();
      assertThat(service.exitCode(CLOSING)).isEqualTo(TERMINATED);
    }
    // On a busy machine it may be within one tensor, or ND4J's start, for longer than it is waited
    // for.
    assertThat(log())
        .containsAnyOf("Loading was cut short", "Loading does not let itself be cut short")
        .doesNotContain(" ERROR ");
  }
}
