package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.Phase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// From the moment when the server notices that a client is gone to the return of its request's place and lease, in steps of the
/// engine. Two sequences run at a time, so that a third waits; a step computes 8 tokens, so that a prompt takes several.
@Timeout(120)
final class NoticedCutIT {
  private static final String SHORT_PROMPT = "Once upon a time";
  private static final String LONG_PROMPT = "Once upon a time. ".repeat(10);

  /// So many of all together, and each of them decodes.
  private static final int TOKENS_BEFORE = 40;

  private static final int TOKENS = 300;

  private static RunningService service;

  /// A request that was sent, and how its client goes away.
  private record Sent(AutoCloseable connection, Going going) implements AutoCloseable {
    interface Going {
      void away() throws IOException;
    }

    @Override
    public void close() throws Exception {
      connection.close();
    }
  }

  /// How a request comes, and how its client goes.
  enum Way {
    KEPT_ALIVE_AND_CLOSED {
      @Override
      Sent send(byte[] body) throws IOException {
        RawHttp http = new RawHttp(service.port());
        http.send("GET", "/actuator/health/liveness", new byte[0]);
        http.readUntil(text -> text.contains("\"UP\"}"));
        http.send("POST", "/generate", body, "Content-Type: application/json");
        return new Sent(http, http::close);
      }
    },
    PRIOR_KNOWLEDGE_AND_RESET {
      @Override
      Sent send(byte[] body) throws IOException {
        HttpTwo connection = withPriorKnowledge(body);
        return new Sent(connection, () -> connection.reset(1));
      }
    },
    PRIOR_KNOWLEDGE_AND_CLOSED {
      @Override
      Sent send(byte[] body) throws IOException {
        HttpTwo connection = withPriorKnowledge(body);
        return new Sent(connection, connection::close);
      }
    },
    UPGRADED_AND_RESET {
      @Override
      Sent send(byte[] body) throws IOException {
        HttpTwo connection = upgraded(body);
        return new Sent(connection, () -> connection.reset(1));
      }
    },
    UPGRADED_AND_CLOSED {
      @Override
      Sent send(byte[] body) throws IOException {
        HttpTwo connection = upgraded(body);
        return new Sent(connection, connection::close);
      }
    };

    /// All that its client says before it goes has been read when the request has come.
    abstract Sent send(byte[] body) throws IOException;

    private static HttpTwo withPriorKnowledge(byte[] body) throws IOException {
      HttpTwo connection = new HttpTwo(service.port(), HttpTwo.bytes());
      connection.post(1, body);
      return connection;
    }

    private static HttpTwo upgraded(byte[] body) throws IOException {
      HttpTwo connection = HttpTwo.upgrade(service.port(), body);
      connection.awaitSettingsTaken();
      return connection;
    }
  }

  @BeforeAll
  static void start() throws InterruptedException {
    service =
        RunningService.faulty(
            "slabstream.model.warm-up=false",
            "slabstream.engine.max-running=2",
            "slabstream.engine.max-batch-tokens=8");
  }

  @AfterEach
  void mend() throws InterruptedException {
    service.kernels().mend();
    service.connections().whenHeard(() -> {}, () -> {});
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    assertThat(service.slab().leasedBlocks()).isZero();
    assertThat(stats().waiting()).isZero();
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  private static byte[] body(String inputs, boolean stream) {
    return ("{\"inputs\":\"%s\",\"stream\":%b,"
            + "\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":%d}}")
        .formatted(inputs, stream, TOKENS)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static RawHttp sendAnother() throws IOException {
    RawHttp http = new RawHttp(service.port());
    http.send(
        "POST",
        "/generate",
        body(SHORT_PROMPT, true),
        "Content-Type: application/json",
        "Connection: close");
    return http;
  }

  private static EngineStats stats() {
    return service.loaded().engine().stats();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitInEngine(int count) {
    try {
      awaitThat(count + " are there", () -> stats().running() + stats().waiting() == count);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Whether the engine still has the request that is cut, in a step.
  private static boolean isThere(Phase phase) {
    return phase == Phase.QUEUED ? stats().waiting() == 1 : service.slab().openLeases() == 2;
  }

  static Stream<Arguments> everyWayAndPhase() {
    return Stream.of(Way.values())
        .flatMap(
            way ->
                Stream.of(Phase.values())
                    .flatMap(
                        phase ->
                            Stream.of(true, false).map(stream -> arguments(way, phase, stream))));
  }

  /// The engine is within a step when the client goes, and until the server has dealt with that: however busy the machine is, the
  /// event loop is as quick as the engine.
  @ParameterizedTest(name = "{0}, {1}, stream {2}")
  @MethodSource("everyWayAndPhase")
  void theLeaseIsBackWithinAStep(Way way, Phase phase, boolean stream) throws Exception {
    int numOthers = phase == Phase.QUEUED ? 2 : 1;
    Map<Phase, Long> expected = new EnumMap<>(stats().cancelled());
    expected.merge(phase, 1L, Long::sum);
    long enough = stats().generatedTokens() + (phase == Phase.PREFILL ? 0 : TOKENS_BEFORE);
    CountDownLatch inStep = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    AtomicLong noticedInStep = new AtomicLong(-1);
    AtomicLong lastStepWithIt = new AtomicLong(-1);
    service
        .kernels()
        .before(
            (operation, _) -> {
              if (!operation.equals("swiGlu")) {
                return;
              }
              if (told.getCount() > 0) {
                // Nobody comes to an end before all are there.
                awaitInEngine(numOthers + 1);
              }
              if (stats().generatedTokens() >= enough && isThere(phase)) {
                inStep.countDown();
                await(told);
                lastStepWithIt.set(stats().steps());
              }
            });
    List<RawHttp> others = new ArrayList<>();
    for (int i = 1; i <= numOthers; i++) {
      others.add(sendAnother());
      awaitInEngine(i);
    }
    String prompt = phase == Phase.PREFILL ? LONG_PROMPT : SHORT_PROMPT;
    try (Sent cut = way.send(body(prompt, stream))) {
      await(inStep);
      service
          .connections()
          .whenHeard(() -> noticedInStep.compareAndSet(-1, stats().steps()), told::countDown);
      cut.going().away();
      for (RawHttp other : others) {
        assertThat(other.readReply().body())
            .contains("\"index\":" + TOKENS + ",")
            .doesNotContain("error");
        other.close();
      }
    }
    assertThat(stats().cancelled()).isEqualTo(expected);
    assertThat(noticedInStep).hasPositiveValue();
    assertThat(lastStepWithIt.get() - noticedInStep.get()).isBetween(0L, 1L);
  }
}
