package dev.slabstream.config;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.api.RawHttp;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.kvcache.KvStats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How the service comes up and goes down.
final class LifecycleIT {
  private static final String EMBEDDED =
      "slabstream.model.path=" + Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf").toAbsolutePath();

  private static final String[] SLOW_MODEL = {
    EMBEDDED, "slabstream.model.warm-up=false", "slabstream.kv-cache.size=200MB"
  };

  private static RawHttp stream(RunningService service, int maxNewTokens) throws IOException {
    RawHttp http = new RawHttp(service.port());
    http.send(
        "POST",
        "/generate",
        ("{\"inputs\":\"Once upon a time\",\"stream\":true,\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":"
                + maxNewTokens
                + "}}")
            .getBytes(StandardCharsets.UTF_8),
        "Content-Type: application/json",
        "Connection: close");
    http.readUntil(text -> text.contains("\"index\":1,"));
    return http;
  }

  /// Far longer than all buffers between the service and a client that does not read.
  private static RawHttp sendLongStream(RunningService service) throws IOException {
    RawHttp http = new RawHttp(service.port(), 1024);
    http.send(
        "POST",
        "/generate",
        "{\"inputs\":\"abc\",\"stream\":true,\"parameters\":{\"ignore_eos\":true,\"top_n_tokens\":5,\"max_new_tokens\":400}}"
            .getBytes(StandardCharsets.UTF_8),
        "Content-Type: application/json",
        "Connection: close");
    return http;
  }

  private static String[] with(String... more) {
    List<String> settings = new ArrayList<>(List.of(SLOW_MODEL));
    settings.addAll(List.of(more));
    return settings.toArray(String[]::new);
  }

  @Test
  void requestsInFlightFinishWithinTheGracePeriodAndNewOnesAreRefused() throws Exception {
    RunningService service = RunningService.faulty("slabstream.shutdown.grace-period=60s");
    LoadedModel loaded = service.loaded();
    int port = service.port();
    CountDownLatch goOn = new CountDownLatch(1);
    long tokens = loaded.engine().stats().generatedTokens();
    // Behind its first token it stands still, for as long as the test looks at what others get.
    service
        .kernels()
        .before(
            (_, _) -> {
              if (loaded.engine().stats().generatedTokens() > tokens) {
                awaitLatch(goOn);
              }
            });
    try (RawHttp running = stream(service, 60)) {
      CompletableFuture<Void> closing = CompletableFuture.runAsync(service::close);
      awaitThat("it drains", () -> service.gate().state() instanceof ServiceGate.State.Draining);
      RawHttp.Reply refused = RawHttp.post(port, "/generate", "{\"inputs\":\"a\"}");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.body()).contains("\"error_type\":\"draining\"");
      assertThat(RawHttp.exchange(port, "GET", "/actuator/health/readiness", "").status())
          .isEqualTo(503);

      goOn.countDown();
      assertThat(running.readReply().body()).contains("\"index\":60,").doesNotContain("error_type");
      closing.get(60, TimeUnit.SECONDS);
    }
    everyLeaseIsBack(loaded);
  }

  /// The engine is done with it, but its events still wait for a client that reads later than those who are to be told of the end
  /// after the grace period are given.
  @Test
  void aClientThatReadsSlowlyHasTheGracePeriodToo() throws Exception {
    RunningService service =
        RunningService.ready(
            "slabstream.kv-cache.size=16MB",
            "slabstream.api.send-buffer=4KB",
            "slabstream.api.stream-buffer=1000",
            "slabstream.shutdown.grace-period=60s");
    LoadedModel loaded = service.loaded();
    long before = loaded.engine().stats().generatedTokens();
    try (RawHttp slow = sendLongStream(service)) {
      awaitThat(
          "the engine is done",
          () ->
              loaded.engine().stats().generatedTokens() == before + 400
                  && loaded.engine().stats().running() == 0);
      CompletableFuture<Void> closing = CompletableFuture.runAsync(service::close);
      awaitThat("it drains", () -> service.gate().state() instanceof ServiceGate.State.Draining);
      // Longer than clients are waited for when nothing runs any more and the grace period is over.
      Thread.sleep(3000);
      assertThat(slow.readReply().body())
          .contains("\"index\":400,", "\"generated_text\":\"")
          .doesNotContain("error_type");
      closing.get(60, TimeUnit.SECONDS);
    }
    everyLeaseIsBack(loaded);
  }

  /// Whether its sequence is paused or the engine is done with it: what it is waited for is the time of a slow client, not the grace
  /// period.
  @ParameterizedTest
  @ValueSource(strings = {"slabstream.api.stream-buffer=8", "slabstream.api.stream-buffer=1000"})
  void aClientThatReadsNothingDoesNotHoldTheProcess(String buffer) throws Exception {
    RunningService service =
        RunningService.ready(
            "slabstream.kv-cache.size=16MB",
            "slabstream.api.send-buffer=4KB",
            "slabstream.api.slow-client-timeout=3s",
            "slabstream.api.write-timeout=1h",
            "slabstream.shutdown.grace-period=1h",
            buffer);
    LoadedModel loaded = service.loaded();
    long before = loaded.engine().stats().generatedTokens();
    try (RawHttp silent = sendLongStream(service)) {
      awaitThat(
          "it is paused, or over for the engine",
          () -> {
            EngineStats stats = loaded.engine().stats();
            return stats.generatedTokens() > before && stats.running() == stats.paused();
          });
      CompletableFuture<Void> closing = CompletableFuture.runAsync(service::close);
      closing.get(60, TimeUnit.SECONDS);
      assertThat(silent.readToTheEnd()).contains("\"index\":1,").doesNotContain("\"index\":400,");
    }
    everyLeaseIsBack(loaded);
  }

  @Test
  void aFullQueueRefusesRequestsAndIsNoReasonToBeUnready() throws Exception {
    try (RunningService service =
        RunningService.faulty("slabstream.engine.max-running=1", "slabstream.engine.max-queue=1")) {
      CountDownLatch goOn = new CountDownLatch(1);
      service.kernels().before((_, _) -> awaitLatch(goOn));
      int port = service.port();
      List<CompletableFuture<RawHttp.Reply>> taken = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        // A thread each: on two processors the common pool has but one, and these wait.
        taken.add(
            CompletableFuture.supplyAsync(
                () -> post(port), task -> Thread.ofPlatform().daemon().start(task)));
        // The first runs before the second comes: a queue of one has no room for both.
        int waiting = i;
        awaitThat(
            "one runs, and the other one waits",
            () ->
                service.loaded().engine().stats().running() == 1
                    && service.loaded().engine().stats().waiting() == waiting);
      }
      assertThat(post(port).status()).isEqualTo(429);
      assertThat(RawHttp.exchange(port, "GET", "/actuator/health/readiness", "").status())
          .isEqualTo(200);
      assertThat(RawHttp.exchange(port, "GET", "/actuator/health/liveness", "").status())
          .isEqualTo(200);
      goOn.countDown();
      for (CompletableFuture<RawHttp.Reply> each : taken) {
        assertThat(each.get(30, TimeUnit.SECONDS).status()).isEqualTo(200);
      }
    }
  }

  private static RawHttp.Reply post(int port) {
    try {
      return RawHttp.post(
          port, "/generate", "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":3}}");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void requestsThatOutlastTheGracePeriodAreCancelled() throws Exception {
    RunningService service = RunningService.ready(with("slabstream.shutdown.grace-period=100ms"));
    LoadedModel loaded = service.loaded();
    try (RawHttp running = stream(service, 3000)) {
      CompletableFuture<Void> closing = CompletableFuture.runAsync(service::close);
      assertThat(running.readReply().body())
          .containsPattern("data: \\{\"error\":\"[^\"]+\",\"error_type\":\"cancelled\"}\n\n$");
      closing.get(60, TimeUnit.SECONDS);
    }
    everyLeaseIsBack(loaded);
  }

  private static void everyLeaseIsBack(LoadedModel loaded) {
    KvStats stats = loaded.slab().stats();
    assertThat(stats.openLeases()).isZero();
    assertThat(stats.leasedBlocks()).isZero();
    assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
        .doesNotContain("slabstream-engine", "slabstream-loader");
  }

  @Test
  void brokenModelEndsTheProcessAndIsNeverReady() throws InterruptedException, IOException {
    try (RunningService service =
        RunningService.starting(
            "slabstream.model.path="
                + TestModel.REFERENCE.resolve("malformed/trunc-counts.gguf"))) {
      assertThat(RunningService.await(() -> !service.exitCodes().isEmpty())).isTrue();
      assertThat(service.exitCodes()).containsExactly(ProcessExit.STARTUP_FAILED);
      assertThat(RawHttp.exchange(service.port(), "GET", "/actuator/health/readiness", "").status())
          .isEqualTo(503);
    }
  }

  @Test
  void endWhileLoadingIsNoFailure() {
    RunningService service = RunningService.starting(SLOW_MODEL);
    service.close();
    assertThat(service.exitCodes()).isEmpty();
    assertThat(service.gate().state()).isInstanceOf(ServiceGate.State.Draining.class);
  }

  @Test
  void fatalErrorOfTheEngineEndsTheProcessAndNothingIsTakenAnyMore() throws Exception {
    try (RunningService service = RunningService.ready()) {
      service.lifecycle().fatal(new InternalError("a test"));
      assertThat(service.exitCodes()).containsExactly(ProcessExit.FATAL);
      assertThat(RawHttp.post(service.port(), "/generate", "{\"inputs\":\"a\"}").status())
          .isEqualTo(503);
    }
  }

  @Test
  void slabThatHoldsNoRequestEndsTheProcess() throws InterruptedException {
    try (RunningService service = RunningService.starting("slabstream.kv-cache.size=1KB")) {
      assertThat(RunningService.await(() -> !service.exitCodes().isEmpty())).isTrue();
      assertThat(service.exitCodes()).containsExactly(ProcessExit.STARTUP_FAILED);
    }
  }

  @Test
  void missingModelEndsARealProcessWithOneMessage() throws Exception {
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.slabstream.SlabstreamApplication",
                "--server.port=0",
                "--slabstream.model.path=no/such/model.gguf")
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    CompletableFuture<String> output =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    if (!process.waitFor(Duration.ofSeconds(90))) {
      process.destroyForcibly();
    }
    String log = output.get(10, TimeUnit.SECONDS);
    assertThat(process.exitValue()).as(log).isEqualTo(ProcessExit.STARTUP_FAILED);
    assertThat(log.lines().filter(line -> line.contains(" ERROR ")))
        .singleElement()
        .asString()
        .contains("Slabstream cannot start", "slabstream.model.path is no/such/model.gguf");
    assertThat(log).doesNotContain("\tat ");
  }
}
