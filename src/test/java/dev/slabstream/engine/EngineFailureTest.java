package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import dev.slabstream.sampling.Sampler;
import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// How far a failure reaches: one sequence, the sequences of a step, or all of them. The others never notice.
class EngineFailureTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(32));
  private final FakeClock clock = new FakeClock();

  /// What the sampler of the sequence with prompt [#BAD] does at output token `index`; fails the others never.
  private IntPredicate samplerFails = index -> false;

  private boolean samplerIsRefused;
  private Throwable thrown = new IllegalStateException("injected");

  private final Engine engine =
      new Engine(
          new EngineSettings(10, 64, 8),
          model,
          slab,
          clock,
          EngineEvents.NONE,
          error -> {
            throw new AssertionError(error);
          },
          (params, promptIds, vocabSize) -> {
            Sampler sampler = Sampler.of(params, promptIds, vocabSize);
            if (promptIds[0] != BAD[0]) {
              return sampler;
            }
            if (samplerIsRefused) {
              throw sneaky(thrown);
            }
            return (logits, offset, argmax, logSumExp, index) -> {
              if (samplerFails.test(index)) {
                throw sneaky(thrown);
              }
              return sampler.sample(logits, offset, argmax, logSumExp, index);
            };
          });

  private static final int[] BAD = {1, 2, 3};
  private static final int[] GOOD = {4, 5, 6, 7};

  private final RecordingListener bad = new RecordingListener();
  private final RecordingListener good = new RecordingListener();

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> RuntimeException sneaky(Throwable e) throws T {
    throw (T) e;
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private void submitBoth() {
    engine.submit(Requests.request(GOOD, 12, good));
    engine.submit(Requests.request(BAD, 12, bad));
  }

  /// The bad one has failed, the good one ends as if it had been alone, and so does the next one.
  private void expectOnlyTheBadOneToFail() {
    while (engine.step() > 0) {}
    assertThat(bad.last()).isEqualTo("failed");
    expectToBeWell();
  }

  private void expectToBeWell() {
    assertThat(good.last()).isEqualTo("finished LENGTH");
    assertThat(good.ids()).isEqualTo(FakeModel.continuation(0, GOOD, 12));
    assertThat(slab.stats().openLeases()).isZero();
    assertThat(slab.stats().leasedBlocks()).isZero();
    expectTheNextRequestToBeRight();
  }

  private void expectTheNextRequestToBeRight() {
    RecordingListener next = new RecordingListener();
    int[] prompt = Requests.prompt(9, 40);
    engine.submit(Requests.request(prompt, 20, next));
    while (engine.step() > 0) {}
    assertThat(next.ids()).isEqualTo(FakeModel.continuation(0, prompt, 20));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void anExceptionOfASamplerFailsItsSequenceOnly(int index) {
    samplerFails = it -> it == index;
    submitBoth();
    expectOnlyTheBadOneToFail();
    assertThat(bad.failure).isSameAs(thrown);
    assertThat(bad.tokens).hasSize(index);
    assertThat(engine.stats().failed()).isEqualTo(1);
    assertThat(slab.stats().resets()).containsEntry(ResetCause.FAILED, 1L);
  }

  @Test
  void whoTakesThePlaceOfAFailedSequenceInTheBatchIsWell() {
    samplerFails = index -> index == 1;
    engine.submit(Requests.request(BAD, 12, bad));
    engine.submit(Requests.request(GOOD, 12, good));
    expectOnlyTheBadOneToFail();
  }

  static List<Error> errors() {
    return List.of(
        new OutOfMemoryError("injected"),
        new StackOverflowError("injected"),
        new NoClassDefFoundError("injected"),
        new AssertionError("injected"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorOfASamplerFailsItsSequenceOnly(Error error) {
    samplerFails = index -> index == 3;
    thrown = error;
    submitBoth();
    expectOnlyTheBadOneToFail();
    assertThat(bad.failure).isSameAs(error);
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorOfAListenerFailsItsSequenceOnly(Error error) {
    for (String what : List.of("admitted", "token 0", "token 4")) {
      RecordingListener failing = new RecordingListener();
      failing.before =
          it -> {
            if (it.equals(what)) {
              throw error;
            }
          };
      RecordingListener other = new RecordingListener();
      engine.submit(Requests.request(GOOD, 12, other));
      engine.submit(Requests.request(BAD, 12, failing));
      while (engine.step() > 0) {}
      assertThat(failing.failure).as(what).isSameAs(error);
      assertThat(other.ids()).as(what).isEqualTo(FakeModel.continuation(0, GOOD, 12));
      assertThat(slab.stats().openLeases()).isZero();
    }
    expectTheNextRequestToBeRight();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorOfAListenerAtTheEndHurtsNobody(Error error) {
    bad.before =
        it -> {
          if (it.startsWith("finished")) {
            throw error;
          }
        };
    engine.submit(Requests.request(BAD, 4, bad));
    engine.submit(Requests.request(GOOD, 12, good));
    while (engine.step() > 0) {}
    expectToBeWell();
  }

  @Test
  void aSamplerThatCannotBeMadeFailsItsSequenceOnly() {
    samplerIsRefused = true;
    submitBoth();
    expectOnlyTheBadOneToFail();
    assertThat(bad.told).containsExactly("failed");
    assertThat(bad.failure).isSameAs(thrown);
  }

  @ParameterizedTest
  @ValueSource(strings = {"admitted", "prompt logprobs", "token 0", "token 4"})
  void anExceptionOfAListenerFailsItsSequenceOnly(String what) {
    bad.before =
        it -> {
          if (it.equals(what)) {
            throw new IllegalStateException("injected");
          }
        };
    engine.submit(Requests.request(GOOD, 12, good));
    engine.submit(Requests.withPromptLogprobs(Requests.request(BAD, 12, bad)));
    expectOnlyTheBadOneToFail();
    assertThat(bad.failure).hasMessage("injected");
    assertThat(bad.told).doesNotContain(what);
  }

  @ParameterizedTest
  @ValueSource(strings = {"finished LENGTH", "cancelled in DECODE", "failed"})
  void anExceptionOfAListenerAtTheEndHurtsNobody(String what) {
    bad.before =
        it -> {
          if (it.equals(what)) {
            throw new IllegalStateException("injected");
          }
        };
    samplerFails = index -> what.equals("failed") && index == 2;
    engine.submit(Requests.request(GOOD, 12, good));
    SequenceHandle handle = engine.submit(Requests.request(BAD, 4, bad));
    engine.step();
    engine.step();
    if (what.startsWith("cancelled")) {
      handle.cancel();
    }
    while (engine.step() > 0) {}
    assertThat(bad.hasEnded()).isFalse();
    expectToBeWell();
  }

  @Test
  void logitsThatAreNotFiniteFailTheirSequenceOnly() {
    engine.submit(Requests.request(GOOD, 12, good));
    engine.submit(Requests.request(new int[] {1, 2, FakeModel.POISON_ID}, 12, bad));
    expectOnlyTheBadOneToFail();
    assertThat(bad.told).containsExactly("admitted", "failed");
    assertThat(bad.failure)
        .isInstanceOf(NonFiniteLogitsException.class)
        .hasMessage("the logits at position 2 are not finite");
  }

  @Test
  void logitsThatAreNotFiniteWithinThePromptFailItWhenTheyAreAskedFor() {
    engine.submit(Requests.request(GOOD, 12, good));
    engine.submit(
        Requests.withPromptLogprobs(
            Requests.request(new int[] {1, FakeModel.POISON_ID, 2, 3}, 12, bad)));
    expectOnlyTheBadOneToFail();
    assertThat(bad.failure).hasMessage("the logits at position 1 are not finite");
  }

  @Test
  void anExceptionOfTheModelFailsTheSequencesOfTheStep() {
    expectAFailedStep(new IllegalArgumentException("injected"));
  }

  @Test
  void memoryThatRunsOutInTheModelFailsTheSequencesOfTheStep() {
    expectAFailedStep(new OutOfMemoryError("injected"));
  }

  private void expectAFailedStep(Throwable cause) {
    RecordingListener other = new RecordingListener();
    engine.submit(Requests.request(BAD, 12, bad));
    engine.submit(Requests.request(new int[] {8, 9}, 12, other));
    engine.step();
    model.before =
        () -> {
          model.before = () -> {};
          // Arrives while the step runs: it is no part of it.
          engine.submit(Requests.request(GOOD, 12, good));
          throw EngineFailureTest.<RuntimeException>sneaky(cause);
        };
    assertThat(engine.step()).as("work: two tokens, two ends").isEqualTo(4);
    assertThat(slab.stats().openLeases()).isZero();
    assertThat(bad.told).containsExactly("admitted", "token 0", "failed");
    assertThat(other.told).containsExactly("admitted", "token 0", "failed");
    assertThat(bad.failure).isSameAs(cause);
    assertThat(engine.stats().failedSteps()).isEqualTo(1);
    assertThat(engine.stats().failed()).isEqualTo(2);
    while (engine.step() > 0) {}
    expectToBeWell();
  }

  @Test
  void aModelThatFailsEveryTimeFailsEverySequenceAndNoMore() {
    model.before =
        () -> {
          throw new IllegalStateException("injected");
        };
    submitBoth();
    for (int i = 0; i < 5; i++) {
      engine.step();
    }
    assertThat(bad.told).containsExactly("admitted", "failed");
    assertThat(good.told).containsExactly("admitted", "failed");
    assertThat(engine.step()).isZero();
    model.before = () -> {};
    expectTheNextRequestToBeRight();
  }

  @Test
  void aModelThatForgetsLogitsFailsTheSequenceInsteadOfStallingIt() {
    model.forgetsLogits = true;
    engine.submit(Requests.request(BAD, 12, bad));
    engine.step();
    assertThat(bad.failure).hasMessage("the model gave no logits for position 2");
    model.forgetsLogits = false;
    expectTheNextRequestToBeRight();
  }

  @Test
  void anyOtherErrorFailsAllSequencesAndComesOut() {
    RecordingListener queued = new RecordingListener();
    submitBoth();
    engine.step();
    StackOverflowError error = new StackOverflowError("injected");
    model.before =
        () -> {
          engine.submit(Requests.request(GOOD, 12, queued));
          throw error;
        };
    assertThatThrownBy(engine::step).isSameAs(error);
    assertThat(bad.failure).isSameAs(error);
    assertThat(good.failure).isSameAs(error);
    assertThat(queued.failure).isSameAs(error);
    assertThat(slab.stats().openLeases()).isZero();
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aWatcherThatThrowsHurtsNobody(Error error) {
    class Throwing implements EngineEvents {
      int called;

      private void fail() {
        called++;
        throw error;
      }

      @Override
      public void onStep(int numTokens, int numPromptTokens, int numSequences, long nanos) {
        fail();
      }

      @Override
      public void onAdmitted(long queueNanos) {
        fail();
      }

      @Override
      public void onFirstToken(long sinceSubmittedNanos, long prefillNanos) {
        fail();
      }

      @Override
      public void onNextToken(long sinceLastNanos) {
        fail();
      }

      @Override
      public void onEnded(
          Outcome outcome,
          Phase phase,
          int promptTokens,
          int generatedTokens,
          SequenceTimes times) {
        fail();
      }
    }
    Throwing watcher = new Throwing();
    try (Engine watched =
        new Engine(new EngineSettings(10, 64, 8), model, slab, clock, watcher, e -> {})) {
      watched.submit(Requests.request(GOOD, 12, good));
      while (watched.step() > 0) {}
    }
    assertThat(watcher.called).as("12 steps, 12 tokens, a beginning and an end").isEqualTo(26);
    expectToBeWell();
  }

  /// From now on, once. The first call in a step is the heartbeat's.
  private void memoryRunsOutAtClockCall(int call) {
    clock.goodCalls = call - 1;
    clock.failures = 1;
  }

  /// What a sequence needs for its end is asked for before anything changes: it ends whole, or is there to be ended again.
  @Test
  void memoryThatRunsOutWhileACancelledSequenceEndsHurtsNobody() {
    submitBoth();
    engine.step();
    SequenceHandle running = engine.submit(Requests.request(BAD, 12, new RecordingListener()));
    engine.step();
    RecordingListener late = new RecordingListener();
    running.cancel();
    engine.submit(Requests.request(BAD, 12, late)).cancel();
    memoryRunsOutAtClockCall(2);
    assertThat(engine.step()).as("not idle").isPositive();
    assertThat(late.told).isEmpty();
    while (engine.step() > 0) {}
    assertThat(late.told).containsExactly("cancelled in QUEUED");
    assertThat(engine.stats().cancelled()).containsEntry(Phase.DECODE, 1L);
    assertThat(engine.stats().failedSteps()).isEqualTo(1);
    assertThat(engine.gate().stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(bad.last()).isEqualTo("finished LENGTH");
    expectToBeWell();
  }

  @Test
  void memoryThatRunsOutWhileTheEndOfTimeIsLookedForHidesNobodysEnd() {
    RecordingListener late = new RecordingListener();
    engine.submit(
        Requests.withDeadlines(
            Requests.request(BAD, 200, late),
            new Deadlines(Deadlines.NEVER, clock.getAsLong() + 50)));
    engine.submit(Requests.request(GOOD, 12, good));
    engine.step();
    clock.advance(100);
    // The second call finds that it is late, the third is for its end.
    memoryRunsOutAtClockCall(3);
    while (engine.step() > 0) {}
    assertThat(late.failure).isInstanceOf(TimeLimitException.class);
    assertThat(late.tokens).hasSize(1);
    expectToBeWell();
  }

  @Test
  void aStepThatFailsTwiceBeforeItComputesFailsWhoRuns() {
    submitBoth();
    engine.step();
    memoryRunsOutAtClockCall(2);
    engine.step();
    assertThat(bad.hasEnded()).isFalse();
    memoryRunsOutAtClockCall(2);
    engine.step();
    assertThat(bad.last()).isEqualTo("failed");
    assertThat(good.last()).isEqualTo("failed");
    assertThat(slab.stats().openLeases()).isZero();
    expectTheNextRequestToBeRight();
  }

  @Test
  void memoryThatRunsOutInSubmitGivesThePlaceBack() {
    // The first call is for the place.
    memoryRunsOutAtClockCall(2);
    assertThatThrownBy(() -> engine.submit(Requests.request(BAD, 12, bad)))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(engine.gate().stats()).isEqualTo(new QueueStats(0, 0));
    expectTheNextRequestToBeRight();
  }

  @Test
  void memoryThatRunsOutInAPrefixCacheFailsItsSequenceOnly() {
    CacheScope scope = new CacheScope();
    int[] prompt = Requests.prompt(3, 40);
    engine.submit(Requests.inScope(scope, Requests.request(prompt, 12, bad)));
    engine.submit(Requests.request(GOOD, 12, good));
    bad.before =
        what -> {
          if (what.equals("token 7")) {
            throw new OutOfMemoryError("injected");
          }
        };
    while (engine.step() > 0) {}
    assertThat(slab.stats().cachedBlocks()).as("published before it failed").isZero();
    expectToBeWell();
  }
}
