package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.generation.FakeEngine.Submission;
import dev.slabstream.generation.GenerationOutcome.Completed;
import dev.slabstream.generation.GenerationOutcome.Failed;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SampledToken;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/// What goes wrong around one request, an [Error] included: it ends once, its client is told, and all it held is free.
@Timeout(30)
class GenerationFaultsTest {
  private final ByteTokenizer tokenizer = ByteTokenizer.withSpecials("<eos>");
  private final ServedModel model =
      new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {tokenizer.special(0)});
  private final CallHook gateClock = new CallHook();
  private final CallHook clock = new CallHook();
  private final AdmissionGate gate = new AdmissionGate(3, 100, standingStill(gateClock));
  private final FakeEngine engine = new FakeEngine(gate);
  private final RecordingObserver observer = new RecordingObserver();
  private final EngineGenerationService service = service(observer);

  private static LongSupplier standingStill(CallHook hook) {
    return () -> {
      hook.called();
      return 0;
    };
  }

  private EngineGenerationService service(GenerationObserver observer) {
    return new EngineGenerationService(
        engine,
        tokenizer,
        model,
        GenerationSettings.DEFAULTS,
        observer,
        new TestClock(),
        standingStill(clock));
  }

  @AfterEach
  void close() {
    engine.close();
    service.close();
  }

  /// The failed one has left nothing, and the next one of its session is right.
  private void expectToBeWell(String session) {
    await(() -> service.inFlight() == 0);
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(service.sessions().get(session).busy()).isFalse();
    StepVerifier.create(service.generate(request(), session))
        .then(() -> finish(engine.take()))
        .expectNextCount(3)
        .verifyComplete();
    await(() -> service.inFlight() == 0);
  }

  private static void finish(Submission sequence) {
    sequence.admit().token('a');
    sequence.finish(FinishReason.LENGTH);
  }

  private void expectFailure(String session) {
    StepVerifier.create(service.generate(request(), session))
        .expectErrorMatches(GenerationFaultsTest::isFailedGeneration)
        .verify(Duration.ofSeconds(10));
  }

  private static boolean isFailedGeneration(Throwable e) {
    return e instanceof GenerationException failure && failure.type() == ErrorType.GENERATION;
  }

  private String session() {
    return service.sessions().create(GenerateParameters.NONE).id();
  }

  @Test
  void memoryThatRunsOutWhereARequestBeginsFailsIt() {
    String session = session();
    // The first call says when it came, the second is made for the request itself.
    clock.failAt(2);
    expectFailure(session);
    assertThat(observer.outcomes()).containsExactly(new Failed(ErrorType.GENERATION));
    expectToBeWell(session);
  }

  @Test
  void memoryThatRunsOutAtThePlaceInTheQueueFailsTheRequest() {
    String session = session();
    gateClock.failAt(1);
    expectFailure(session);
    assertThat(observer.outcomes()).containsExactly(new Failed(ErrorType.GENERATION));
    expectToBeWell(session);
  }

  /// Has no memory left where it is subscribed.
  private static final class WithoutMemory implements CoreSubscriber<GenerationEvent> {
    private final Runnable before;
    private final List<Throwable> told = new CopyOnWriteArrayList<>();

    WithoutMemory(Runnable before) {
      this.before = before;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      before.run();
      throw new OutOfMemoryError("injected");
    }

    @Override
    public void onNext(GenerationEvent event) {}

    @Override
    public void onError(Throwable failure) {
      told.add(failure);
    }

    @Override
    public void onComplete() {}
  }

  @Test
  void memoryThatRunsOutWhereAStreamIsHandedOverEndsTheRequestAtOnce() {
    String session = session();
    AtomicReference<@Nullable Submission> submitted = new AtomicReference<>();
    WithoutMemory client =
        new WithoutMemory(
            () -> {
              if (submitted.get() == null) {
                submitted.set(engine.take());
              }
            });
    assertThatExceptionOfType(OutOfMemoryError.class)
        .isThrownBy(() -> service.generate(request(), session).subscribe(client))
        .withMessage("injected");
    assertThat(client.told).hasSize(1).allMatch(GenerationFaultsTest::isFailedGeneration);
    assertThat(service.undelivered()).isZero();
    Submission sequence = Objects.requireNonNull(submitted.get(), "not submitted");
    // Where it had no handle yet, the thread that submits it cancels it as soon as it has one.
    await(sequence::cancelled);
    sequence.endCancelled(Phase.QUEUED);
    expectToBeWell(session);
  }

  @Test
  void memoryThatRunsOutWhereARequestIsSubmittedFailsIt() {
    String session = session();
    engine.failWith(new OutOfMemoryError("injected"));
    expectFailure(session);
    engine.failWith(null);
    assertThat(observer.outcomes()).containsExactly(new Failed(ErrorType.GENERATION));
    expectToBeWell(session);
  }

  @Test
  void memoryThatRunsOutWhereAnEndIsReportedKeepsNobodyFromHearingOfIt() {
    String session = session();
    StepVerifier.create(service.generate(request(), session))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              sequence.token('a');
              clock.failAt(1);
              sequence.finish(FinishReason.LENGTH);
            })
        .expectNextCount(3)
        .verifyComplete();
    expectToBeWell(session);
  }

  @Test
  void anErrorOfTheObserverChangesNothing() {
    GenerationObserver throwing =
        new GenerationObserver() {
          @Override
          public void firstToken(long nanos) {
            throw new OutOfMemoryError("injected");
          }

          @Override
          public void nextToken(long nanos) {
            throw new StackOverflowError("injected");
          }

          @Override
          public void ended(Report report) {
            throw new NoClassDefFoundError("injected");
          }
        };
    try (EngineGenerationService observed = service(throwing)) {
      for (int i = 0; i < 3; i++) {
        StepVerifier.create(observed.generate(request(), null))
            .then(
                () -> {
                  Submission sequence = engine.take().admit();
                  sequence.token('a');
                  sequence.token('b');
                  sequence.finish(FinishReason.LENGTH);
                })
            .expectNextCount(4)
            .expectComplete()
            .verify(Duration.ofSeconds(10));
      }
      await(() -> observed.inFlight() == 0);
    }
  }

  /// One request without a service around it.
  private final class Alone implements Generation.Owner {
    final List<String> told = new ArrayList<>();
    final Generation generation =
        new Generation(
            "hi",
            new ParameterValidator(GenerationSettings.DEFAULTS, tokenizer.vocabSize(), () -> 1)
                .validate(request().parameters()),
            context(),
            this);
    final AtomicInteger cancels = new AtomicInteger();

    private GenerationContext context() {
      TokenTexts texts = new TokenTexts(tokenizer);
      return new GenerationContext(
          model,
          tokenizer,
          texts,
          new PromptEncoder(tokenizer, texts, model, GenerationSettings.DEFAULTS),
          GenerationSettings.DEFAULTS,
          Schedulers.parallel(),
          standingStill(clock));
    }

    void submit() {
      generation.waitAt(gate.enter(2));
      generation.run();
      generation.onAdmitted();
    }

    @Override
    public void withdraw(Generation generation) {}

    @Override
    public void ended(Generation generation) {
      told.add("ended");
    }

    @Override
    public void report(GenerationObserver.Report report) {
      told.add(report.outcome().toString());
    }

    @Override
    public void left(Generation generation) {
      told.add("left");
    }

    @Override
    public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
      return new SequenceHandle() {
        @Override
        public void cancel() {
          cancels.incrementAndGet();
        }

        @Override
        public void pause() {}

        @Override
        public void resume() {}
      };
    }

    @Override
    public int retryAfterSeconds() {
      return 1;
    }

    @Override
    public @Nullable CacheScope cacheScope() {
      return null;
    }
  }

  private static SampledToken token(int id) {
    return new SampledToken(id, -0.5f, List.of());
  }

  @Test
  void aSinkThatItsSubscriberLeftByItselfCancelsTheSequence() {
    Alone alone = new Alone();
    Disposable subscriber = alone.generation.events().subscribe();
    alone.submit();
    subscriber.dispose();
    assertThat(alone.cancels).hasValue(0);
    alone.generation.onToken(0, token('a'));
    assertThat(alone.cancels).hasValue(1);
  }

  /// Two threads that emit at once cannot be; if they are, a stream with a hole in it is no answer.
  @Test
  void aSinkThatRefusesAnEventFailsTheSequenceAndEndsTheStreamPastItself() {
    Alone alone = new Alone();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    alone
        .generation
        .events()
        .subscribe(
            _ -> {
              inside.countDown();
              awaitLatch(goOn);
            });
    AtomicReference<@Nullable Throwable> streamsEnd = new AtomicReference<>();
    alone.generation.abandonment().subscribe(_ -> {}, streamsEnd::set);
    Thread other = Thread.ofPlatform().start(alone::submit);
    awaitLatch(inside);

    assertThatExceptionOfType(Sinks.EmissionException.class)
        .isThrownBy(() -> alone.generation.onToken(0, token('a')))
        .satisfies(refused -> alone.generation.onFailed(refused, Submission.TIMES));
    assertThat(streamsEnd.get()).matches(GenerationFaultsTest::isFailedGeneration);
    assertThat(alone.told)
        .containsExactly("ended", new Failed(ErrorType.GENERATION).toString(), "left");
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
    goOn.countDown();
    awaitEnd(other);
  }

  @Test
  void whatComesAfterTheEndIsRefusedAndEndsNothingTwice() {
    Alone alone = new Alone();
    alone.submit();
    alone.generation.onToken(0, token('a'));
    alone.generation.onFinished(FinishReason.LENGTH, Submission.TIMES);
    assertThatExceptionOfType(Sinks.EmissionException.class)
        .isThrownBy(() -> alone.generation.onAdmitted());
    alone.generation.onFailed(new IllegalStateException("injected"), Submission.TIMES);
    assertThat(alone.told)
        .containsExactly("ended", new Completed(FinishReason.LENGTH).toString(), "left");
    StepVerifier.create(alone.generation.events()).expectNextCount(3).verifyComplete();
  }

  private static GenerateRequest request() {
    return new GenerateRequest("hi", ParametersBuilder.parameters(p -> p.maxNewTokens(10)));
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void awaitEnd(Thread thread) {
    try {
      assertThat(thread.join(Duration.ofSeconds(20))).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come true within 10 s");
      }
      Thread.onSpinWait();
    }
  }
}
