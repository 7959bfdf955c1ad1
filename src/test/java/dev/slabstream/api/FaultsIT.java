package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.generation.FaultyTokenizer;
import dev.slabstream.generation.FaultyTokenizer.Where;
import dev.slabstream.kernel.FaultyKernels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What clients see of a fault in the server, over real sockets: who is told what, and that the others' bytes are those
/// which they get alone.
@Timeout(120)
final class FaultsIT {
  /// Every layer of the model calls it once.
  private static final String IN_LAYER = "swiGlu";

  private static final String FAILED_EVENT =
      "data: \\{\"error\":\"the generation failed\",\"error_type\":\"generation\"}\n\n$";
  private static final String GOOD = body("Once upon a time", 60, true);
  private static final String ALSO_GOOD = body("The quick brown fox", 60, true);

  private static RunningService service;
  private final List<RawHttp> open = new ArrayList<>();

  @BeforeAll
  static void start() throws InterruptedException {
    service = RunningService.faulty("slabstream.engine.threads=2");
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @AfterEach
  void nothingIsLeftAndTheServiceIsWell() throws Exception {
    service.kernels().mend();
    for (RawHttp http : open) {
      http.close();
    }
    assertThat(RunningService.await(() -> service.slab().openLeases() == 0)).isTrue();
    awaitThat(
        "every place is back",
        () -> service.loaded().engine().gate().stats().equals(new QueueStats(0, 0)));
    assertThat(get("/actuator/health/readiness").status()).isEqualTo(200);
    assertThat(get("/actuator/health/liveness").status()).isEqualTo(200);
    assertThat(service.exitCodes()).isEmpty();
  }

  private static String body(String inputs, int maxNewTokens, boolean stream) {
    return ("{\"inputs\":\"%s\",\"stream\":%b,"
            + "\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":%d}}")
        .formatted(inputs, stream, maxNewTokens);
  }

  private static RawHttp.Reply get(String path) throws IOException {
    return RawHttp.exchange(service.port(), "GET", path, "");
  }

  private RawHttp send(RunningService service, String body) throws IOException {
    RawHttp http = new RawHttp(service.port());
    open.add(http);
    http.send(
        "POST",
        "/generate",
        body.getBytes(StandardCharsets.UTF_8),
        "Content-Type: application/json",
        "Connection: close");
    return http;
  }

  private RawHttp send(String body) throws IOException {
    return send(service, body);
  }

  private static String post(String body) throws IOException {
    RawHttp.Reply reply = RawHttp.post(service.port(), "/generate", body);
    assertThat(reply.status()).isEqualTo(200);
    return reply.body();
  }

  private static double meter(String series) throws IOException {
    return get("/actuator/prometheus")
        .body()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError(series + " is not scraped"));
  }

  /// What goes wrong in a step.
  enum StepFault {
    EXCEPTION {
      @Override
      void happen() {
        throw new IllegalStateException("secret");
      }
    },
    /// An allocation that no heap has room for.
    HEAP {
      @Override
      void happen() {
        touch(new long[Integer.MAX_VALUE - 8].length);
      }
    },
    /// An allocation that no address space has room for.
    NATIVE_MEMORY {
      @Override
      void happen() {
        try (Arena arena = Arena.ofConfined()) {
          touch(arena.allocate(1L << 46).byteSize());
        }
      }
    };

    abstract void happen();

    private static void touch(long size) {
      throw new AssertionError("there was room for " + size);
    }
  }

  /// Goes wrong in one step of `service`: the first one in which a second request is there beside the one that runs, and so much was
  /// computed. Until then the engine waits for the second one, so that the test need not be quicker than it.
  private static FaultyKernels.Fault onceTwoAreThere(
      RunningService service, int tokens, String where, Consumer<Object[]> fault) {
    EngineStats before = service.loaded().engine().stats();
    AtomicBoolean done = new AtomicBoolean();
    return (operation, arguments) -> {
      if (!operation.equals(where) || done.get()) {
        return;
      }
      awaitQuietly(() -> stats(service).running() + stats(service).waiting() == 2);
      if (stats(service).generatedTokens() >= before.generatedTokens() + tokens) {
        done.set(true);
        fault.accept(arguments);
      }
    };
  }

  private static EngineStats stats(RunningService service) {
    return service.loaded().engine().stats();
  }

  private static void awaitQuietly(BooleanSupplier condition) {
    try {
      assertThat(RunningService.await(condition)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @EnumSource(StepFault.class)
  void whatAKernelThrowsEndsTheRequestsOfTheStep(StepFault fault) throws Exception {
    String expected = post(GOOD);
    double failedSteps = meter("slabstream_steps_failed_total");
    double failed = meter("slabstream_requests_failed_total{error_type=\"generation\"}");
    service.kernels().before(onceTwoAreThere(service, 40, IN_LAYER, _ -> fault.happen()));
    RawHttp streamed = send(body("Once upon a time", 400, true));
    RawHttp whole = send(body("Once upon a time", 400, false));

    RawHttp.Reply events = streamed.readReply();
    assertThat(events.status()).isEqualTo(200);
    assertThat(events.body())
        .contains("\"index\":1,")
        .containsPattern(FAILED_EVENT)
        .doesNotContain("secret", "\"generated_text\":\"");
    RawHttp.Reply refused = whole.readReply();
    assertThat(refused.status()).isEqualTo(500);
    assertThat(refused.body()).contains("\"error_type\":\"generation\"").doesNotContain("secret");
    assertThat(post(GOOD)).as("the next one").isEqualTo(expected);
    assertThat(meter("slabstream_steps_failed_total")).isEqualTo(failedSteps + 1);
    assertThat(meter("slabstream_requests_failed_total{error_type=\"generation\"}"))
        .isEqualTo(failed + 2);
  }

  /// So that what a test starts is still there for what it does next.
  private static FaultyKernels.Fault slowed(FaultyKernels.Fault fault) {
    return (operation, arguments) -> {
      if (operation.equals(IN_LAYER)) {
        LockSupport.parkNanos(1_000_000);
      }
      fault.on(operation, arguments);
    };
  }

  @Test
  void whoWaitedDuringAStepThatFailedIsServed() throws Exception {
    String expected = post(GOOD);
    try (RunningService narrow = RunningService.faulty("slabstream.engine.max-running=1")) {
      narrow.kernels().before(onceTwoAreThere(narrow, 1, IN_LAYER, _ -> StepFault.HEAP.happen()));
      RawHttp running = send(narrow, body("Once upon a time", 400, true));
      awaitThat("it runs", () -> stats(narrow).running() == 1);
      RawHttp waiting = send(narrow, GOOD);
      assertThat(running.readReply().body()).containsPattern(FAILED_EVENT);
      assertThat(waiting.readReply().body()).isEqualTo(expected);
    }
  }

  @Test
  void logitsThatAreNoNumbersEndOneStreamAndTheOtherGetsItsBytes() throws Exception {
    String expected = post(GOOD);
    String alsoExpected = post(ALSO_GOOD);
    double failed = meter("slabstream_requests_failed_total{error_type=\"non_finite_logits\"}");
    // Of 120 tokens: both have some then, and neither has all.
    service
        .kernels()
        .before(
            onceTwoAreThere(
                service,
                40,
                "summarize",
                arguments -> ((float[]) arguments[0])[(int) arguments[1] + 5] = Float.NaN));
    RawHttp one = send(GOOD);
    RawHttp other = send(ALSO_GOOD);

    String first = one.readReply().body();
    String second = other.readReply().body();
    boolean firstFailed = first.contains("error_type");
    assertThat(firstFailed ? first : second)
        .containsPattern(
            "\"index\":\\d+,.*\n\ndata: \\{\"error\":\"the model computed NaN or infinity after \\d+ tokens\",\"error_type\":\"non_finite_logits\"}\n\n$")
        .doesNotContain("\"generated_text\":\"");
    assertThat(firstFailed ? second : first).isEqualTo(firstFailed ? alsoExpected : expected);
    assertThat(post(GOOD)).isEqualTo(expected);
    assertThat(post(ALSO_GOOD)).isEqualTo(alsoExpected);
    assertThat(meter("slabstream_requests_failed_total{error_type=\"non_finite_logits\"}"))
        .isEqualTo(failed + 1);
  }

  @Test
  void logitsOfThePromptThatAreNoNumbersAreAStatus() throws Exception {
    service
        .kernels()
        .before(
            (operation, arguments) -> {
              if (operation.equals("summarize")) {
                ((float[]) arguments[0])[(int) arguments[1]] = Float.POSITIVE_INFINITY;
              }
            });
    RawHttp.Reply reply =
        RawHttp.post(service.port(), "/generate", body("Once upon a time", 5, false));
    assertThat(reply.status()).isEqualTo(500);
    assertThat(reply.body()).contains("\"error_type\":\"non_finite_logits\"");
  }

  @ParameterizedTest
  @EnumSource(Where.class)
  void aFaultyTokenizerOrDetokenizerEndsOneRequest(Where where) throws Exception {
    String expected = post(GOOD);
    service.kernels().before(slowed(FaultyKernels.Fault.NONE));
    service.tokenizer().fail(where, new OutOfMemoryError("secret"));
    RawHttp good = send(GOOD);
    good.readUntil(text -> text.contains("\"index\":1,"));
    for (boolean stream : new boolean[] {true, false}) {
      RawHttp.Reply bad =
          RawHttp.post(service.port(), "/generate", body(FaultyTokenizer.MARK, 8, stream));
      boolean beforeAdmission = where == Where.ENCODE || where == Where.DECODER;
      assertThat(bad.status()).isEqualTo(stream && !beforeAdmission ? 200 : 500);
      assertThat(bad.body())
          .contains("\"error_type\":\"generation\"")
          .doesNotContain("secret", "\"generated_text\":\"");
    }
    assertThat(good.readReply().body()).isEqualTo(expected);
    assertThat(post(GOOD)).isEqualTo(expected);
  }

  /// By whom, nobody knows: a debugger, a library.
  @Test
  void threadsThatAreInterruptedGoOn() throws Exception {
    String expected = post(GOOD);
    service.kernels().before(slowed(FaultyKernels.Fault.NONE));
    for (int round = 0; round < 3; round++) {
      RawHttp good = send(GOOD);
      good.readUntil(text -> text.contains("\"index\":1,"));
      assertThat(interruptThreads("slabstream-engine")).isOne();
      assertThat(interruptThreads("slabstream-worker-")).isOne();
      assertThat(interruptThreads("tokenizer-")).isPositive();
      assertThat(interruptThreads("generation-events-")).isPositive();
      assertThat(good.readReply().body()).isEqualTo(expected);
    }
    assertThat(post(GOOD)).isEqualTo(expected);
  }

  private static long interruptThreads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(name))
        .peek(Thread::interrupt)
        .count();
  }

  @SuppressWarnings("InfiniteRecursion")
  private static void recurse() {
    recurse();
  }

  @Test
  void anErrorOfTheForwardPassEndsAllStreamsWithALastEventAndThenTheProcess() throws Exception {
    try (RunningService dying = RunningService.faulty()) {
      dying.kernels().before(onceTwoAreThere(dying, 40, IN_LAYER, _ -> recurse()));
      RawHttp one = send(dying, body("Once upon a time", 400, true));
      RawHttp other = send(dying, body("The quick brown fox", 400, true));
      assertThat(one.readReply().body()).containsPattern(FAILED_EVENT).doesNotContain("secret");
      assertThat(other.readReply().body()).containsPattern(FAILED_EVENT);
      assertThat(RunningService.await(() -> !dying.exitCodes().isEmpty())).isTrue();
      assertThat(dying.exitCodes()).containsExactly(70);
      assertThat(RawHttp.post(dying.port(), "/generate", GOOD).status()).isEqualTo(503);
      assertThat(RawHttp.exchange(dying.port(), "GET", "/actuator/health/readiness", "").status())
          .isEqualTo(503);
      assertThat(dying.slab().openLeases()).isZero();
    }
  }
}
