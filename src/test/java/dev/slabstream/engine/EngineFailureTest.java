package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import dev.slabstream.sampling.Sampler;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How far a failure reaches: one sequence, the sequences of a step, or all of them. The others never notice.
class EngineFailureTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(32));

  /// What the sampler of the sequence with prompt [#BAD] does at output token `index`; fails the others never.
  private IntPredicate samplerFails = index -> false;

  private boolean samplerIsRefused;
  private Throwable thrown = new IllegalStateException("injected");

  private EngineEvents events = EngineEvents.NONE;

  private final Engine engine =
      new Engine(
          new EngineSettings(10, 64, 8),
          model,
          slab,
          new FakeClock(),
          new EngineEvents() {
            @Override
            public void onNextToken(long sinceLastNanos) {
              events.onNextToken(sinceLastNanos);
            }
          },
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

  @Test
  void memoryThatRunsOutInASamplerFailsItsSequenceOnly() {
    samplerFails = index -> index == 3;
    thrown = new OutOfMemoryError("injected");
    submitBoth();
    expectOnlyTheBadOneToFail();
    assertThat(bad.failure).isSameAs(thrown);
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

  @Test
  void aWatcherThatThrowsHurtsNobody() {
    events =
        new EngineEvents() {
          @Override
          public void onNextToken(long sinceLastNanos) {
            throw new IllegalStateException("injected");
          }
        };
    engine.submit(Requests.request(GOOD, 12, good));
    while (engine.step() > 0) {}
    expectToBeWell();
  }
}
