package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.generation.GenerationOutcome.By;
import dev.slabstream.generation.GenerationOutcome.Cancelled;
import dev.slabstream.generation.GenerationOutcome.Refused;
import dev.slabstream.generation.GenerationOutcome.Stage;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A session is deleted while its request begins, at every point where that can be: the request ends once, and nothing of it stays.
@Timeout(30)
class DeletedWhereItBeginsTest {
  /// What is called on the way; each of its calls is a point.
  enum Called {
    CLOCK_OF_SESSIONS,
    CLOCK_OF_THE_QUEUE,
    CLOCK_OF_REQUESTS
  }

  private final ByteTokenizer tokenizer = ByteTokenizer.withSpecials("<eos>");
  private final BlockableTokenizer blockable = new BlockableTokenizer(tokenizer);
  private final TestClock sessionClock = new TestClock();
  private final CallHook gateClock = new CallHook();
  private final CallHook clock = new CallHook();
  private final AdmissionGate gate =
      new AdmissionGate(
          3,
          100,
          () -> {
            gateClock.called();
            return 0;
          });
  private final FakeEngine engine = new FakeEngine(gate);
  private final RecordingObserver observer = new RecordingObserver();
  private final EngineGenerationService service =
      new EngineGenerationService(
          engine,
          blockable,
          new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {tokenizer.special(0)}),
          GenerationSettings.DEFAULTS,
          observer,
          sessionClock,
          () -> {
            clock.called();
            return 0;
          });

  @AfterEach
  void close() {
    blockable.release();
    engine.close();
    service.close();
  }

  private CallHook hook(Called called) {
    return switch (called) {
      case CLOCK_OF_SESSIONS -> sessionClock.hook;
      case CLOCK_OF_THE_QUEUE -> gateClock;
      case CLOCK_OF_REQUESTS -> clock;
    };
  }

  @ParameterizedTest
  @EnumSource
  void leavesNothingOfTheRequest(Called called) throws InterruptedException {
    blockable.block();
    int points = 0;
    while (deletedAt(hook(called), points + 1)) {
      points++;
    }
    assertThat(points).isPositive();
    assertThat(engine.isEmpty()).isTrue();
  }

  /// @return whether there was such a call before it came to be tokenized
  private boolean deletedAt(CallHook hook, int call) throws InterruptedException {
    String session = service.sessions().create(GenerateParameters.NONE).id();
    int reportsBefore = observer.reports.size();
    AtomicBoolean deleted = new AtomicBoolean();
    hook.at(
        call,
        () -> {
          service.sessions().delete(session);
          deleted.set(true);
        });
    CountDownLatch over = new CountDownLatch(1);
    AtomicReference<@Nullable Throwable> told = new AtomicReference<>();
    service
        .generate(request(), session)
        .doFinally(_ -> over.countDown())
        .subscribe(_ -> {}, told::set);
    while (!deleted.get() && !blockable.wasEntered()) {
      Thread.onSpinWait();
    }
    if (!deleted.get()) {
      hook.clear();
      service.sessions().delete(session);
      return false;
    }
    assertThat(over.await(10, TimeUnit.SECONDS)).as("told of its end, point %d", call).isTrue();
    assertThat(service.awaitIdle(Duration.ofSeconds(5))).as("over, point %d", call).isTrue();
    assertThat(gate.stats()).as("point %d", call).isEqualTo(new QueueStats(0, 0));
    assertThat(told.get())
        .isInstanceOfSatisfying(
            GenerationException.class,
            e -> assertThat(e.type()).isIn(ErrorType.SESSION_DELETED, ErrorType.SESSION_NOT_FOUND));
    assertThat(observer.reports).as("counted once, point %d", call).hasSize(reportsBefore + 1);
    assertThat(observer.outcomes().getLast())
        .isIn(new Cancelled(Stage.TOKENIZING, By.SERVER), new Refused(ErrorType.SESSION_NOT_FOUND));
    return true;
  }

  private static GenerateRequest request() {
    return new GenerateRequest("hi", ParametersBuilder.parameters(p -> p.maxNewTokens(10)));
  }
}
