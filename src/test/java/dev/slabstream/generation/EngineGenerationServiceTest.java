package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.Deadlines;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.NonFiniteLogitsException;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.engine.SequenceListener.Verdict;
import dev.slabstream.engine.TimeLimitException;
import dev.slabstream.engine.TimeLimitException.Limit;
import dev.slabstream.generation.FakeEngine.Submission;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.PrefillToken;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationOutcome.By;
import dev.slabstream.generation.GenerationOutcome.Cancelled;
import dev.slabstream.generation.GenerationOutcome.Completed;
import dev.slabstream.generation.GenerationOutcome.Failed;
import dev.slabstream.generation.GenerationOutcome.Refused;
import dev.slabstream.generation.GenerationOutcome.Stage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.test.StepVerifier;

@Timeout(30)
class EngineGenerationServiceTest {
  private final ByteTokenizer tokenizer = ByteTokenizer.withSpecials("<eos>");
  private final BlockableTokenizer blockable = new BlockableTokenizer(tokenizer);
  private final int eos = tokenizer.special(0);
  private final AtomicLong nanos = new AtomicLong(-5);
  private final AdmissionGate gate = new AdmissionGate(3, 100, nanos::get);
  private final FakeEngine engine = new FakeEngine(gate);
  private final RecordingObserver observer = new RecordingObserver();
  private final TestClock clock = new TestClock();
  private @Nullable Submission started;
  private final EngineGenerationService service =
      new EngineGenerationService(
          engine,
          blockable,
          new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {eos}),
          settings(),
          observer,
          clock,
          nanos::get);

  @AfterEach
  void close() {
    blockable.release();
    engine.close();
    service.close();
  }

  @Test
  void streamsStartedTokensAndTheEnd() {
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(2)), null))
        .then(() -> engine.take().admit().token('a'))
        .expectNext(new Started(2, null))
        .assertNext(token(1, "a", false))
        .thenCancel()
        .verify();
  }

  @Test
  void endsWithTheWholeText() {
    StepVerifier.create(service.generate(request("hi", p -> p.returnFullText(true)), null))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              sequence.token('a');
              assertThat(sequence.token(eos)).isEqualTo(Verdict.CONTINUE);
              sequence.finish(FinishReason.EOS_TOKEN);
            })
        .expectNext(new Started(2, null))
        .assertNext(token(1, "a", false))
        .assertNext(token(2, "<eos>", true))
        .expectNext(new Finished("hia", FinishReason.EOS_TOKEN, 2, 2, 0, null, List.of()))
        .verifyComplete();
    assertThat(observer.outcomes()).containsExactly(new Completed(FinishReason.EOS_TOKEN));
    assertThat(observer.reports.getFirst().promptTokens()).isEqualTo(2);
    assertThat(observer.reports.getFirst().generatedTokens()).isEqualTo(2);
    assertThat(observer.reports.getFirst().times()).isEqualTo(Submission.TIMES);
    assertThat(observer.firstTokens).hasSize(1);
    assertThat(observer.nextTokens).hasSize(1);
    assertThat(service.inFlight()).isZero();
  }

  @Test
  void tellsTheEngineToStopAtAStopString() {
    StepVerifier.create(service.generate(request("hi", p -> p.stop(List.of("bc"))), null))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              assertThat(sequence.token('a')).isEqualTo(Verdict.CONTINUE);
              assertThat(sequence.token('b')).isEqualTo(Verdict.CONTINUE);
              assertThat(sequence.token('c')).isEqualTo(Verdict.STOP);
              sequence.finish(FinishReason.STOP_SEQUENCE);
            })
        .expectNextCount(1)
        .assertNext(token(1, "a", false))
        .assertNext(token(2, "", false))
        .assertNext(token(3, "", true))
        .expectNext(new Finished("a", FinishReason.STOP_SEQUENCE, 3, 2, 0, null, List.of()))
        .verifyComplete();
  }

  @Test
  void passesOnWhatTheEngineNeedsToKnow() {
    Disposable running =
        start(
            request("hi", p -> p.maxNewTokens(7).stopTokenIds(List.of(5)).seed(3L).topK(2)), null);
    var submitted = engine.take().request();
    assertThat(submitted.promptIds()).containsExactly('h', 'i');
    assertThat(submitted.maxNewTokens()).isEqualTo(7);
    assertThat(submitted.eosIds()).containsExactly(eos);
    assertThat(submitted.stopTokenIds()).containsExactly(5);
    assertThat(submitted.sampling().seed()).isEqualTo(3);
    assertThat(submitted.promptLogprobs()).isFalse();
    running.dispose();

    start(request("hi", p -> p.ignoreEos(true)), null);
    assertThat(engine.take().request().eosIds()).isEmpty();
  }

  @Test
  void goesOnPastTheEndOfTheTextWhenAskedTo() {
    StepVerifier.create(
            service.generate(request("hi", p -> p.ignoreEos(true).maxNewTokens(2)), null))
        .then(() -> engine.take().admit().token(eos))
        .expectNextCount(1)
        .assertNext(token(1, "<eos>", false))
        .thenCancel()
        .verify();
  }

  @Test
  void reportsTheSeedThatItChose() {
    List<Long> seeds = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      StepVerifier.create(service.generate(request("hi", p -> p.doSample(true)), null))
          .then(() -> engine.take().admit())
          .assertNext(event -> seeds.add(((Started) event).seed()))
          .thenCancel()
          .verify();
    }
    assertThat(seeds).doesNotHaveDuplicates().allMatch(seed -> seed >= 0 && seed < 1L << 53);
  }

  @Test
  void listsThePromptsTokensWithTheirLogprobs() {
    StepVerifier.create(
            service.generate(request("hi", p -> p.decoderInputDetails(true).maxNewTokens(1)), null))
        .then(
            () -> {
              Submission sequence = engine.take();
              assertThat(sequence.request().promptLogprobs()).isTrue();
              sequence.admit();
              sequence.listener().onPromptLogprobs(new float[] {Float.NaN, -1.5f});
              sequence.token('a');
              sequence.finish(FinishReason.LENGTH);
            })
        .expectNextCount(2)
        .assertNext(
            event ->
                assertThat(((Finished) event).prefill())
                    .containsExactly(
                        new PrefillToken('h', "h", null), new PrefillToken('i', "i", -1.5f)))
        .verifyComplete();
  }

  @Test
  void doesNothingBeforeTheSubscription() {
    var unused = service.generate(request("hi", p -> p), null);
    assertThat(service.inFlight()).isZero();
    assertThat(engine.isEmpty()).isTrue();
  }

  @Test
  void refusesAnEmptyPromptAndBadParametersBeforeAnyWork() {
    expectError(request("", p -> p), ErrorType.VALIDATION);
    expectError(request("hi", p -> p.topP(2.0)), ErrorType.VALIDATION);
    expectError(request("!".repeat(64), p -> p), ErrorType.VALIDATION);
    assertThat(observer.outcomes()).hasSize(3).containsOnly(new Refused(ErrorType.VALIDATION));
    await(() -> service.inFlight() == 0);
  }

  @Test
  void saysOverloadedWhenThePromptTurnsOutTooLongForTheQueue() {
    AdmissionGate full = new AdmissionGate(1, 1, () -> 0);
    full.enter(1);
    assertThatExceptionOfType(OverloadedException.class)
        .isThrownBy(() -> full.enter(1))
        .satisfies(engine::refuseWith);
    expectError(request("hi", p -> p), ErrorType.OVERLOADED);
    assertThat(observer.outcomes()).containsExactly(new Refused(ErrorType.OVERLOADED));
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
  }

  @Test
  void saysDrainingWhenTheEngineIsClosed() {
    engine.refuseWith(new IllegalStateException("closed"));
    expectError(request("hi", p -> p), ErrorType.DRAINING);
  }

  @Test
  void saysOverloadedWhenTooManyPromptsWaitForTheTokenizer() {
    blockable.block();
    List<Disposable> running = new ArrayList<>();
    running.add(start(request("one", p -> p), null));
    blockable.awaitEntered();
    running.add(start(request("two", p -> p), null));
    running.add(start(request("three", p -> p), null));
    expectOverload("four", 3, 4);

    // Who leaves the queue makes room at once.
    running.get(1).dispose();
    assertThat(gate.stats().requests()).isEqualTo(2);
    assertThat(observer.outcomes()).contains(new Cancelled(Stage.TOKENIZING, By.CLIENT));
    StepVerifier.create(service.generate(request("five", p -> p), null))
        .then(blockable::release)
        .then(() -> engine.take().admit())
        .then(() -> assertThat(engine.take().request().promptIds()).hasSize(5))
        .then(() -> engine.take().admit())
        .expectNextCount(1)
        .thenCancel()
        .verify();
  }

  private void expectOverload(String inputs, Object limit, Object actual) {
    StepVerifier.create(service.generate(request(inputs, p -> p), null))
        .expectErrorSatisfies(
            e -> {
              GenerationException refusal = (GenerationException) e;
              assertThat(refusal.type()).isEqualTo(ErrorType.OVERLOADED);
              assertThat(refusal.limit()).asString().isEqualTo(limit.toString());
              assertThat(refusal.actual()).asString().isEqualTo(actual.toString());
              assertThat(refusal.retryAfterSeconds()).hasValue(1);
            })
        .verify();
  }

  @Test
  void countsWhatWaitsForTheTokenizerAndInTheEngineAsOne() {
    start(request("one", p -> p), null);
    Submission first = engine.take();
    blockable.block();
    start(request("two", p -> p), null);
    start(request("three", p -> p), null);
    expectOverload("four", 3, 4);
    first.admit();
    assertThat(gate.stats().requests()).isEqualTo(2);
    start(request("four", p -> p), null);
    expectOverload("five", 3, 4);
  }

  @Test
  void boundsTheTokensOfWhatWaitsByEstimatesUntilTheyAreKnown() {
    // The estimate is four characters to a token, in this vocabulary each is one.
    start(request("?".repeat(60), p -> p.maxNewTokens(1)), null);
    Submission first = engine.take();
    assertThat(first.request().promptIds()).hasSize(60);
    blockable.block();
    start(request("?".repeat(20), p -> p.maxNewTokens(1)), null);
    // The first taught it that 2,060 characters have 560 tokens.
    assertThat(gate.stats()).isEqualTo(new QueueStats(2, 60 + 6));
    start(request("?".repeat(60), p -> p.maxNewTokens(1)), null);
    assertThat(gate.stats()).isEqualTo(new QueueStats(3, 60 + 6 + 17));
    // Known now: 60 + 20, and the last one is too much.
    blockable.release();
    await(() -> observer.outcomes().contains(new Refused(ErrorType.OVERLOADED)));
    await(() -> gate.stats().equals(new QueueStats(2, 60 + 20)));
    // Three letters to a token at most in this vocabulary.
    expectOverload("x".repeat(63), 100, 101);
  }

  @Test
  void whatWillBeCutOffCountsUntilItIsTokenized() {
    blockable.block();
    GenerateRequest large = request("?".repeat(200), p -> p.truncate(5).maxNewTokens(1));
    start(large, null);
    blockable.awaitEntered();
    start(large, null);
    assertThat(gate.stats()).isEqualTo(new QueueStats(2, 50 + 50));
    StepVerifier.create(service.generate(large, null))
        .expectErrorMatches(isOf(ErrorType.OVERLOADED))
        .verify();
    blockable.release();
    assertThat(engine.take().request().promptIds()).hasSize(5);
    assertThat(engine.take().request().promptIds()).hasSize(5);
    await(() -> gate.stats().equals(new QueueStats(2, 5 + 5)));
  }

  @Test
  void aTokenizerThatDoesNotEndIsSilent() {
    nanos.addAndGet(Duration.ofHours(1).toNanos());
    assertThat(service.tokenizerSilence()).isZero();
    blockable.block();
    start(request("one", p -> p), null);
    blockable.awaitEntered();
    nanos.addAndGet(Duration.ofSeconds(61).toNanos());
    assertThat(service.tokenizerSilence()).isEqualTo(Duration.ofSeconds(61));
    blockable.release();
    await(() -> service.tokenizerSilence().isZero());
  }

  @Test
  void refusesWhatCanNeverFitBeforeItAsksForAPlace() {
    gate.enter(1);
    gate.enter(1);
    gate.enter(1);
    expectError(request("x".repeat(300), p -> p), ErrorType.VALIDATION);
    expectError(request("x", p -> p.maxNewTokens(64)), ErrorType.VALIDATION);
    expectError(request("x", p -> p), ErrorType.OVERLOADED);
  }

  @Test
  void checksTheSessionBeforeThePlace() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    start(request("one", p -> p), id);
    engine.take();
    gate.enter(1);
    gate.enter(1);
    StepVerifier.create(service.generate(request("two", p -> p), id))
        .expectErrorMatches(isOf(ErrorType.SESSION_BUSY))
        .verify();
    String free = service.sessions().create(GenerateParameters.NONE).id();
    StepVerifier.create(service.generate(request("two", p -> p), free))
        .expectErrorMatches(isOf(ErrorType.OVERLOADED))
        .verify();
    assertThat(service.sessions().get(free).busy()).as("the refusal freed it").isFalse();
    assertThat(service.inFlight()).isOne();
  }

  @Test
  void endsWhatWaitedTooLongForTheTokenizerWithoutTokenizingIt() {
    blockable.block();
    start(request("one", p -> p), null);
    blockable.awaitEntered();
    StepVerifier.create(service.generate(request("two", p -> p), null))
        .then(
            () -> {
              nanos.addAndGet(settings().maxQueueTime().toNanos());
              blockable.failWith(new AssertionError("tokenized"));
              blockable.release();
            })
        .expectErrorSatisfies(
            e -> {
              assertThat(e)
                  .matches(isOf(ErrorType.QUEUE_TIMEOUT))
                  .hasMessage("not admitted within 120 s: others are before it");
              assertThat(((GenerationException) e).retryAfterSeconds()).isPresent();
            })
        .verify();
    assertThat(observer.outcomes()).contains(new Failed(ErrorType.QUEUE_TIMEOUT));
    await(() -> service.inFlight() == 0);
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
  }

  @Test
  void endsWhatWaitsForATokenizerThatHangs() {
    try (EngineGenerationService impatient =
        new EngineGenerationService(
            engine,
            blockable,
            new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {eos}),
            settings(Duration.ofSeconds(1), Duration.ofSeconds(30)),
            observer)) {
      blockable.block();
      var inside = impatient.generate(request("one", p -> p), null).cache();
      var behind = impatient.generate(request("two", p -> p), null).cache();
      inside.subscribe(_ -> {}, _ -> {});
      behind.subscribe(_ -> {}, _ -> {});
      StepVerifier.create(inside).expectErrorMatches(isOf(ErrorType.QUEUE_TIMEOUT)).verify();
      StepVerifier.create(behind).expectErrorMatches(isOf(ErrorType.QUEUE_TIMEOUT)).verify();
      await(() -> impatient.inFlight() == 0);
      assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
      assertThat(observer.outcomes())
          .containsExactly(
              new Failed(ErrorType.QUEUE_TIMEOUT), new Failed(ErrorType.QUEUE_TIMEOUT));
      blockable.release();
    }
    start(request("three", p -> p), null);
    assertThat(engine.take().request().promptIds()).as("none of the two came").hasSize(5);
  }

  @Test
  void endsAtOnceWhatIsCancelledInsideATokenizerThatHangs() {
    blockable.block();
    Disposable running = start(request("one", p -> p), null);
    blockable.awaitEntered();
    running.dispose();
    await(() -> service.inFlight() == 0);
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.TOKENIZING, By.CLIENT));
  }

  @Test
  void tellsTheEngineWhenItsTimeIsOver() {
    long came = nanos.get();
    blockable.block();
    start(request("hi", p -> p), null);
    blockable.awaitEntered();
    nanos.addAndGet(1_000_000);
    blockable.release();
    assertThat(engine.take().request().deadlines())
        .isEqualTo(Deadlines.after(came, settings().maxQueueTime(), settings().requestTimeout()));
  }

  @Test
  void tellsWhichLimitOfTimeEndedIt() {
    StepVerifier.create(service.generate(request("hi", p -> p), null))
        .then(() -> engine.take().fail(new TimeLimitException(Limit.QUEUE_TIME)))
        .expectErrorMatches(isOf(ErrorType.QUEUE_TIMEOUT))
        .verify();
    StepVerifier.create(service.generate(request("hi", p -> p), null))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              sequence.token('a');
              sequence.fail(new TimeLimitException(Limit.REQUEST_TIME));
            })
        .expectNextCount(2)
        .expectErrorSatisfies(
            e ->
                assertThat(e)
                    .matches(isOf(ErrorType.TIMEOUT))
                    .hasMessage("not done within 180 s, after 1 tokens"))
        .verify();
    assertThat(observer.outcomes())
        .containsExactly(new Failed(ErrorType.QUEUE_TIMEOUT), new Failed(ErrorType.TIMEOUT));
    assertThat(gate.stats()).isEqualTo(new QueueStats(0, 0));
  }

  @Test
  void neverSubmitsWhatWasCancelledWhileItWasTokenized() throws InterruptedException {
    blockable.block();
    Disposable running = start(request("one", p -> p), null);
    blockable.awaitEntered();
    running.dispose();
    blockable.release();
    assertThat(service.awaitIdle(Duration.ofSeconds(20))).isTrue();
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.TOKENIZING, By.CLIENT));
    assertThat(engine.isEmpty()).isTrue();
  }

  @Test
  void cancelsASequenceThatWasCancelledWhileItWasSubmitted() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    engine.duringSubmit(() -> service.sessions().delete(id));
    start(request("hi", p -> p), id);
    Submission sequence = engine.take();
    await(sequence::cancelled);
  }

  @Test
  void cancelsTheSequenceWhenTheClientGoesAway() {
    for (Phase phase : Phase.values()) {
      Disposable running = start(request("hi", p -> p), null);
      Submission sequence = engine.take();
      if (phase != Phase.QUEUED) {
        sequence.admit();
      }
      if (phase == Phase.DECODE) {
        sequence.token('a');
      }
      running.dispose();
      await(sequence::cancelled);
      assertThat(service.inFlight()).isOne();
      sequence.endCancelled(phase);
      assertThat(service.inFlight()).isZero();
    }
    assertThat(observer.outcomes())
        .containsExactly(
            new Cancelled(Stage.QUEUED, By.CLIENT),
            new Cancelled(Stage.PREFILL, By.CLIENT),
            new Cancelled(Stage.DECODE, By.CLIENT));
  }

  @Test
  void failsWithAnErrorOfItsOwnWhenTheLogitsAreNotFinite() {
    StepVerifier.create(service.generate(request("hi", p -> p), null))
        .then(() -> engine.take().admit().fail(new NonFiniteLogitsException(1)))
        .expectNextCount(1)
        .expectErrorMatches(isOf(ErrorType.NON_FINITE_LOGITS))
        .verify();
    assertThat(observer.outcomes()).containsExactly(new Failed(ErrorType.NON_FINITE_LOGITS));
  }

  @Test
  void hidesWhatWentWrongInAStep() {
    StepVerifier.create(service.generate(request("hi", p -> p), null))
        .then(() -> engine.take().admit().fail(new ArithmeticException("secret 42")))
        .expectNextCount(1)
        .expectErrorSatisfies(
            e -> {
              assertThat(e).matches(isOf(ErrorType.GENERATION));
              assertThat(e).hasNoCause().hasMessageNotContaining("secret");
            })
        .verify();
  }

  @Test
  void failsWhenTheTokenizerFails() {
    blockable.failWith(new StackOverflowError());
    expectError(request("hi", p -> p), ErrorType.GENERATION);
    assertThat(observer.outcomes()).containsExactly(new Failed(ErrorType.GENERATION));
    await(() -> service.inFlight() == 0);
  }

  @Test
  void refusesNewRequestsWhileItDrainsAndLetsRunningOnesFinish() {
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(1)), null))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              service.drain();
              expectError(request("hi", p -> p), ErrorType.DRAINING);
              sequence.token('a');
              sequence.finish(FinishReason.LENGTH);
            })
        .expectNextCount(3)
        .verifyComplete();
    assertThat(observer.outcomes())
        .containsExactlyInAnyOrder(
            new Refused(ErrorType.DRAINING), new Completed(FinishReason.LENGTH));
  }

  @Test
  void waitsForClientsThatHaveNotReadWhatHasEnded() {
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(2)), null), 1)
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              sequence.token('a');
              sequence.token('b');
              sequence.finish(FinishReason.LENGTH);
            })
        .expectNextCount(1)
        .then(
            () -> {
              assertThat(service.inFlight()).isZero();
              assertThat(service.undelivered()).isOne();
              assertThat(delivered(Duration.ofMillis(20))).isFalse();
            })
        .thenRequest(3)
        .expectNextCount(3)
        .verifyComplete();
    assertThat(delivered(Duration.ofSeconds(5))).isTrue();
    assertThat(service.undelivered()).isZero();
  }

  private boolean delivered(Duration timeout) {
    try {
      return service.awaitDelivered(timeout);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void cancelsEverythingWhenItCloses() {
    StepVerifier.create(service.generate(request("hi", p -> p), null))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              Thread.ofPlatform()
                  .start(
                      () -> {
                        await(sequence::cancelled);
                        sequence.endCancelled(Phase.PREFILL);
                      });
              service.close();
              assertThat(service.inFlight()).isZero();
            })
        .expectNextCount(1)
        .expectErrorMatches(isOf(ErrorType.CANCELLED))
        .verify();
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.PREFILL, By.SERVER));
  }

  @Test
  void callsTheSubscriberOffTheEnginesThreadAndNeverWaitsForIt() {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    CountDownLatch slow = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    List<GenerationEvent> events = new ArrayList<>();
    service
        .generate(request("hi", p -> p.maxNewTokens(40)), null)
        .doOnTerminate(done::countDown)
        .subscribe(
            event -> {
              threads.add(Thread.currentThread().getName());
              awaitLatch(slow);
              events.add(event);
            });
    Submission sequence = engine.take().admit();
    for (int i = 0; i < 40; i++) {
      sequence.token('a');
    }
    sequence.finish(FinishReason.LENGTH);
    // The engine is through while the subscriber still sits in its first event.
    assertThat(service.inFlight()).isZero();
    slow.countDown();
    awaitLatch(done);
    assertThat(events).hasSize(42);
    assertThat(threads).doesNotContain(Thread.currentThread().getName()).hasSize(1);
    assertThat(threads).first().asString().startsWith("generation-events");
  }

  @Test
  void keepsEverythingForASubscriberThatAsksLate() {
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(3)), null), 0)
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              sequence.token('a');
              sequence.token('b');
              sequence.token('c');
              sequence.finish(FinishReason.LENGTH);
            })
        .thenRequest(2)
        .expectNextCount(2)
        .thenRequest(10)
        .expectNextCount(3)
        .verifyComplete();
  }

  @Test
  void pausesTheSequenceWhileTooManyEventsWaitForTheSubscriber() {
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(20)), null), 0)
        .then(
            () -> {
              started = engine.take().admit();
              tokens(3);
              assertThat(submission().paused()).as("four events wait").isFalse();
              tokens(1);
              // Five events wait; the service may not have the sequence's handle yet.
              await(() -> submission().paused());
            })
        .thenRequest(2)
        .expectNextCount(2)
        .then(() -> assertThat(submission().paused()).as("three wait").isTrue())
        .thenRequest(1)
        .expectNextCount(1)
        .then(
            () -> {
              await(() -> !submission().paused());
              tokens(2);
              assertThat(submission().paused()).as("four wait").isFalse();
              tokens(1);
              assertThat(submission().paused()).as("five wait").isTrue();
            })
        .thenRequest(Long.MAX_VALUE)
        .expectNextCount(5)
        .then(
            () -> {
              await(() -> !submission().paused());
              tokens(9);
              assertThat(submission().paused()).as("whoever asks for all takes all").isFalse();
              tokens(4);
              submission().finish(FinishReason.LENGTH);
            })
        .expectNextCount(14)
        .verifyComplete();
  }

  @Test
  void cancelsTheRequestOfASubscriberThatDoesNotReadAndSaysSoAtOnce() {
    try (EngineGenerationService impatient =
        new EngineGenerationService(
            engine,
            tokenizer,
            new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {eos}),
            settings(Duration.ofSeconds(120), Duration.ofMillis(50)),
            observer)) {
      StepVerifier.create(impatient.generate(request("hi", p -> p), null), 1)
          .then(
              () -> {
                started = engine.take().admit();
                tokens(6);
              })
          .expectNextCount(1)
          .expectErrorMatches(isOf(ErrorType.SLOW_CLIENT))
          .verify();
      // The service may not have had the sequence's handle yet.
      await(() -> submission().cancelled());
      submission().endCancelled(Phase.DECODE);
      assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.DECODE, By.SLOW_CLIENT));
      assertThat(impatient.inFlight()).isZero();
    }
  }

  private Submission submission() {
    return Objects.requireNonNull(started);
  }

  private void tokens(int count) {
    for (int i = 0; i < count; i++) {
      submission().token('a');
    }
  }

  @Test
  void goesOnWhenTheObserverThrows() {
    var throwing =
        new GenerationObserver() {
          @Override
          public void firstToken(long nanos) {
            throw new IllegalStateException("first");
          }

          @Override
          public void ended(Report report) {
            throw new IllegalStateException("ended");
          }
        };
    try (var observed =
        new EngineGenerationService(
            engine,
            tokenizer,
            new ServedModel(64, 1000, tokenizer.vocabSize(), new int[] {eos}),
            settings(),
            throwing)) {
      StepVerifier.create(observed.generate(request("hi", p -> p.maxNewTokens(1)), null))
          .then(
              () -> {
                Submission sequence = engine.take().admit();
                sequence.token('a');
                sequence.finish(FinishReason.LENGTH);
              })
          .expectNextCount(3)
          .verifyComplete();
      assertThat(observed.inFlight()).isZero();
    }
  }

  @Test
  void runsOneRequestOfASessionAtATime() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    StepVerifier.create(service.generate(request("hi", p -> p.maxNewTokens(1)), id))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              assertThat(service.sessions().get(id).busy()).isTrue();
              StepVerifier.create(service.generate(request("hi", p -> p), id))
                  .expectErrorMatches(isOf(ErrorType.SESSION_BUSY))
                  .verify();
              sequence.token('a');
              assertThat(service.sessions().get(id).generatedTokens()).isOne();
              sequence.finish(FinishReason.LENGTH);
            })
        .expectNextCount(3)
        .verifyComplete();
    var info = service.sessions().get(id);
    assertThat(info.busy()).isFalse();
    assertThat(info.requests()).isOne();
    assertThat(info.generatedTokens()).isOne();
  }

  @Test
  void freesTheSessionBeforeItsClientSeesTheEnd() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    List<Boolean> busyAtEnd = new ArrayList<>();
    for (int round = 0; round < 200; round++) {
      CountDownLatch done = new CountDownLatch(1);
      service
          .generate(request("hi", p -> p.maxNewTokens(1)), id)
          .doOnNext(
              event -> {
                if (event instanceof Finished) {
                  busyAtEnd.add(service.sessions().get(id).busy());
                }
              })
          .doOnTerminate(done::countDown)
          .subscribe();
      Submission sequence = engine.take().admit();
      sequence.token('a');
      sequence.finish(FinishReason.LENGTH);
      awaitLatch(done);
    }
    assertThat(busyAtEnd).hasSize(200).containsOnly(false);
  }

  @Test
  void usesTheSessionsDefaults() {
    String id =
        service
            .sessions()
            .create(ParametersBuilder.parameters(p -> p.maxNewTokens(3).temperature(0.5).seed(8L)))
            .id();
    start(request("hi", p -> p.temperature(0.9)), id);
    var submitted = engine.take().request();
    assertThat(submitted.maxNewTokens()).isEqualTo(3);
    assertThat(submitted.sampling().temperature()).isEqualTo(0.9);
    assertThat(submitted.sampling().seed()).isEqualTo(8);
  }

  @Test
  void cancelsTheRequestInFlightWhenItsSessionIsDeleted() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    StepVerifier.create(service.generate(request("hi", p -> p), id))
        .then(
            () -> {
              Submission sequence = engine.take().admit();
              service.sessions().delete(id);
              await(sequence::cancelled);
              sequence.endCancelled(Phase.PREFILL);
            })
        .expectNextCount(1)
        .expectErrorMatches(isOf(ErrorType.SESSION_DELETED))
        .verify();
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.PREFILL, By.SERVER));
    StepVerifier.create(service.generate(request("hi", p -> p), id))
        .expectErrorMatches(isOf(ErrorType.SESSION_NOT_FOUND))
        .verify();
  }

  @Test
  void cancelsARequestThatStillWaitsForTheTokenizerWhenItsSessionIsDeleted() {
    blockable.block();
    start(request("one", p -> p), null);
    blockable.awaitEntered();
    String id = service.sessions().create(GenerateParameters.NONE).id();
    StepVerifier.create(service.generate(request("hi", p -> p), id))
        .then(() -> service.sessions().delete(id))
        .expectErrorMatches(isOf(ErrorType.SESSION_DELETED))
        .verify();
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.TOKENIZING, By.SERVER));
  }

  @Test
  void keepsABusySessionOpenHoweverLongItsRequestTakes() {
    String id = service.sessions().create(GenerateParameters.NONE).id();
    start(request("hi", p -> p.maxNewTokens(1)), id);
    Submission sequence = engine.take().admit();
    clock.advance(Duration.ofDays(1));
    assertThat(service.sessions().get(id).busy()).isTrue();
    sequence.token('a');
    sequence.finish(FinishReason.LENGTH);
    clock.advance(settings().sessionIdleTimeout().minusMillis(1));
    assertThat(service.sessions().get(id).busy()).isFalse();
    clock.advance(Duration.ofMillis(1));
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> service.sessions().get(id))
        .matches(isOf(ErrorType.SESSION_NOT_FOUND)::test);
  }

  @Test
  void refusesATokenizerOfAnotherVocabulary() {
    ServedModel other = new ServedModel(64, 1000, tokenizer.vocabSize() + 1, new int[] {eos});
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new EngineGenerationService(
                    engine, tokenizer, other, settings(), GenerationObserver.NONE))
        .withMessage("the tokenizer's 257 ids must be the model's 258");
  }

  @Test
  void tellsItsLimits() {
    assertThat(service.limits())
        .isEqualTo(new GenerationService.ServiceLimits(63, 64, 100, 4, 5, 128));
  }

  /// Runs a request whose events do not matter.
  private Disposable start(GenerateRequest request, @Nullable String sessionId) {
    return service.generate(request, sessionId).subscribe(event -> {}, error -> {});
  }

  private void expectError(GenerateRequest request, ErrorType type) {
    StepVerifier.create(service.generate(request, null)).expectErrorMatches(isOf(type)).verify();
  }

  private static Predicate<Throwable> isOf(ErrorType type) {
    return e -> e instanceof GenerationException failure && failure.type() == type;
  }

  private static Consumer<GenerationEvent> token(int index, String text, boolean last) {
    return event -> {
      Token token = (Token) event;
      assertThat(token.index()).isEqualTo(index);
      assertThat(token.token().text()).isEqualTo(text);
      assertThat(token.last()).isEqualTo(last);
    };
  }

  private static GenerateRequest request(String inputs, ParametersBuilder.Change change) {
    return new GenerateRequest(inputs, ParametersBuilder.parameters(change));
  }

  private static GenerationSettings settings() {
    return settings(Duration.ofSeconds(120), Duration.ofSeconds(30));
  }

  /// @param maxQueueTime passes by itself, whatever the test's clock says: it begins a real timer
  private static GenerationSettings settings(Duration maxQueueTime, Duration slowClientTimeout) {
    return new GenerationSettings(
        100,
        4,
        256,
        16,
        1024,
        5,
        true,
        128,
        1,
        maxQueueTime,
        Duration.ofSeconds(180),
        8,
        Duration.ofMinutes(5),
        4,
        slowClientTimeout,
        PrefixCacheScope.SESSION);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come true within 20 s");
      }
      Thread.onSpinWait();
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
