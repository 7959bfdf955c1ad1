package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.Slice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Who computes what in which step: exact chunks, exact blocks.
class SchedulerTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeClock clock = new FakeClock();
  private FakeModel model = new FakeModel(1000, 0);
  private Engine engine = engine(16, new EngineSettings(100, 32, 4));

  private Engine engine(int numBlocks, EngineSettings settings) {
    KvSlab slab = leaks.slab(FakeModel.layout(numBlocks));
    return new Engine(settings, model, slab, clock);
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private RecordingListener submit(int promptLength, int maxNewTokens) {
    RecordingListener listener = new RecordingListener();
    submit(promptLength, maxNewTokens, listener);
    return listener;
  }

  private SequenceHandle submit(int promptLength, int maxNewTokens, RecordingListener listener) {
    return engine.submit(
        Requests.request(Requests.prompt(promptLength, promptLength), maxNewTokens, listener));
  }

  private void expectStep(String... slices) {
    int tokens = 0;
    for (String slice : slices) {
      tokens += Integer.parseInt(slice.substring(slice.indexOf('+') + 1, slice.indexOf(' ')));
    }
    assertThat(engine.step()).isGreaterThanOrEqualTo(tokens);
    assertThat(model.takeLastStep()).containsExactly(slices);
  }

  @Test
  void aPromptIsComputedInChunksOfTheBudgetAndThenTokenByToken() {
    RecordingListener listener = submit(74, 3);
    expectStep("0+32 NONE [0, 1, -1, -1, -1]");
    expectStep("32+32 NONE [0, 1, 2, 3, -1]");
    assertThat(listener.told).containsExactly("admitted");
    expectStep("64+10 LAST [0, 1, 2, 3, 4]");
    assertThat(listener.told).containsExactly("admitted", "token 0");
    expectStep("74+1 LAST [0, 1, 2, 3, 4]");
    // The last token is sampled from the one before: its own keys and values are never needed.
    expectStep("75+1 LAST [0, 1, 2, 3, 4]");
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(engine.step()).isZero();
  }

  @Test
  void shortPromptsShareAStep() {
    submit(10, 5);
    submit(16, 5);
    submit(20, 5);
    expectStep("0+10 LAST [0]", "0+16 LAST [1, -1]", "0+6 NONE [2, -1]");
    expectStep("10+1 LAST [0]", "16+1 LAST [1, 3]", "6+14 LAST [2, 4]");
    expectStep("11+1 LAST [0]", "17+1 LAST [1, 3]", "20+1 LAST [2, 4]");
  }

  @Test
  void besideDecodesPromptsGetWhatTheirTimeAllows() {
    // A step takes 6 ms, and 2 ms for each token: beside one decode of 8 ms there are 12 for
    // prompts.
    model.duration = batch -> clock.advance(6_000_000 + 2_000_000L * tokens(batch));
    submit(4, 60);
    for (int i = 0; i < 20; i++) {
      engine.step();
    }
    submit(50, 30);
    // A tile took 14 ms without decodes, and two would take 28 in proportion.
    expectStep("23+1 LAST [0, 1, -1, -1]", "0+3 NONE [2, -1, -1, -1, -1]");
    for (int i = 0; i < 10; i++) {
      engine.step();
    }
    // One tile, of 14 ms, since two take 22.
    expectStep("34+1 LAST [0, 1, 4, -1]", "33+3 NONE [2, 3, 5, -1, -1]");
  }

  @Test
  void besideMoreDecodesMorePromptTokensFitTheirTime() {
    model.duration = batch -> clock.advance(6_000_000 + 2_000_000L * tokens(batch));
    for (int i = 0; i < 3; i++) {
      submit(4, 40);
    }
    for (int i = 0; i < 20; i++) {
      engine.step();
    }
    submit(60, 3);
    // Three decodes take 12 ms, so a step 30 ms: 12 tokens.
    for (int i = 0; i < 4; i++) {
      engine.step();
    }
    engine.step();
    assertThat(model.takeLastStep()).element(3).asString().contains("+9 NONE");
  }

  private static int tokens(List<Slice> batch) {
    return batch.stream().mapToInt(Slice::count).sum();
  }

  private void useLargeSlab() {
    engine.close();
    model = new FakeModel(5000, 0);
    engine = engine(600, new EngineSettings(100, 256, 4));
    // No time passes in it, so that later ones are as large as a batch.
    submit(32, 1);
    engine.step();
  }

  /// The slices of the next step without their blocks.
  private void expectStepOf(String... slices) {
    engine.step();
    assertThat(model.takeLastStep().stream().map(each -> each.substring(0, each.indexOf(" ["))))
        .containsExactly(slices);
  }

  @Test
  void shortPromptsAreServedInTheOrderInWhichTheyCameWhateverTheirLengths() {
    useLargeSlab();
    submit(Scheduler.SHORT_PROMPT, 1);
    clock.advance(1);
    submit(10, 1);
    clock.advance(1);
    submit(200, 1);
    clock.advance(1_000_000);
    expectStepOf("0+256 NONE");
    expectStepOf("256+256 LAST");
    expectStepOf("0+10 LAST", "0+200 LAST");
  }

  @Test
  void aShortPromptGoesBeforeALongOneThatCameWithIt() {
    useLargeSlab();
    submit(Scheduler.SHORT_PROMPT + 1, 1);
    submit(Scheduler.SHORT_PROMPT, 1);
    clock.advance(1_000_000);
    expectStepOf("0+256 NONE");
    expectStepOf("256+256 LAST");
    expectStepOf("0+256 NONE");
  }

  @Test
  void aLongPromptGoesBeforeAShortOneWhenItHasWaitedForItsWeightTimesAsLong() {
    useLargeSlab();
    // Its weight: 1 + (1792 - 512) / 256 = 6.
    submit(1792, 1);
    clock.advance(5000);
    submit(20, 1);
    // 6000 / 6 and 1000: the first of equals.
    clock.advance(1000);
    expectStepOf("0+256 NONE");
    // 6006 / 6 and 1006.
    clock.advance(6);
    expectStepOf("0+20 LAST", "256+236 NONE");
  }

  @Test
  void aLongPromptThatHasBegunIsNotMoreUrgentForHavingLittleLeft() {
    useLargeSlab();
    submit(1792, 1);
    clock.advance(1);
    for (int i = 0; i < 6; i++) {
      expectStepOf(256 * i + "+256 NONE");
    }
    clock.advance(599);
    submit(20, 1);
    // 720 / 6 and 120.
    clock.advance(121);
    expectStepOf("0+20 LAST", "1536+236 NONE");
  }

  @Test
  void ofTwoLongPromptsTheFirstIsComputedToItsEnd() {
    useLargeSlab();
    submit(600, 1);
    clock.advance(1);
    submit(600, 1);
    clock.advance(1_000_000);
    expectStepOf("0+256 NONE");
    expectStepOf("256+256 NONE");
    expectStepOf("512+88 LAST", "0+168 NONE");
  }

  @Test
  void whoseTurnHasNotComeWaitsInTheQueueWithoutALease() {
    submit(60, 5);
    RecordingListener second = submit(60, 5);
    expectStep("0+32 NONE [0, 1, -1, -1, -1]");
    assertThat(engine.stats().running()).isEqualTo(1);
    assertThat(engine.stats().waiting()).isEqualTo(1);
    assertThat(second.told).isEmpty();
    expectStep("32+28 LAST [0, 1, 2, 3, -1]", "0+4 NONE [4, -1, -1, -1, -1]");
    assertThat(engine.stats().running()).isEqualTo(2);
    assertThat(engine.stats().waiting()).isZero();
    assertThat(second.told).containsExactly("admitted");
  }

  @Test
  void aShortPromptIsAdmittedBeforeALongOneThatCameEarlierAndHasNotBegun() {
    useLargeSlab();
    RecordingListener large = submit(1792, 5);
    clock.advance(100);
    RecordingListener second = submit(256, 5);
    clock.advance(100);
    // 200 for 6, and 100 for 1.
    expectStepOf("0+256 LAST");
    assertThat(engine.stats().waiting()).isEqualTo(1);
    assertThat(large.told).isEmpty();
    assertThat(second.told).containsExactly("admitted", "token 0");
  }

  @Test
  void aPauseInTheQueueLeavesTheTurnToOthers() {
    RecordingListener paused = new RecordingListener();
    SequenceHandle handle = submit(20, 5, paused);
    handle.pause();
    submit(30, 5);
    expectStep("0+30 LAST [0, 1, -1]");
    assertThat(paused.told).isEmpty();
    handle.resume();
    expectStep("30+1 LAST [0, 1, -1]", "0+20 LAST [2, 3]");
  }

  @Test
  void noPromptWaitsForEverBehindShorterOnes() {
    useLargeSlab();
    model.duration = batch -> clock.advance(1_000_000L * tokens(batch));
    RecordingListener prompt = submit(1792, 1);
    int steps = 0;
    while (!prompt.hasEnded()) {
      // As many tokens of new short prompts as the machine can compute.
      submit(128, 1);
      submit(128, 1);
      engine.step();
      steps++;
    }
    // Seven of its own; each puts the short ones off, which then wait for longer themselves.
    assertThat(steps).isBetween(8, 60);
  }

  @Test
  void noMoreRunThanAllowed() {
    for (int i = 0; i < 6; i++) {
      submit(2, 2);
    }
    expectStep("0+2 LAST [0]", "0+2 LAST [1]", "0+2 LAST [2]", "0+2 LAST [3]");
    assertThat(engine.stats().waiting()).isEqualTo(2);
    assertThat(engine.stats().running()).isEqualTo(4);
    expectStep("2+1 LAST [0]", "2+1 LAST [1]", "2+1 LAST [2]", "2+1 LAST [3]");
    // The block that came back last is taken first.
    expectStep("0+2 LAST [3]", "0+2 LAST [2]");
    assertThat(engine.stats().waiting()).isZero();
  }

  @Test
  void admissionReservesThePromptAndAllNewTokens() {
    // 16 blocks: 10 + 5 fit, and one block is left.
    submit(16, 140);
    submit(16, 64);
    RecordingListener third = submit(8, 9);
    expectStep(
        "0+16 LAST [0, -1, -1, -1, -1, -1, -1, -1, -1, -1]", "0+16 LAST [1, -1, -1, -1, -1]");
    assertThat(engine.stats().waiting()).isEqualTo(1);
    for (int i = 0; i < 63; i++) {
      engine.step();
      assertThat(third.told).isEmpty();
    }
    // The second sequence has finished in the last step.
    engine.step();
    assertThat(third.told).containsExactly("admitted", "token 0");
    assertThat(model.takeLastStep())
        .containsExactly("79+1 LAST [0, 2, 4, 6, 8, -1, -1, -1, -1, -1]", "0+8 LAST [1, -1]");
  }

  @Test
  void whoDoesNotFitIsPassedByThoseThatDoButNotForEver() {
    RecordingListener first = submit(100, 60);
    RecordingListener large = submit(100, 100);
    List<RecordingListener> small = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      small.add(submit(1, 20));
    }
    while (!first.hasEnded()) {
      assertThat(engine.step()).isPositive();
      assertThat(large.told).isEmpty();
    }
    // As many as may run at once went before it, and then none: all are done, and the slab is
    // empty.
    assertThat(small.stream().filter(RecordingListener::hasEnded)).hasSize(4);
    assertThat(engine.stats().running()).isZero();
    assertThat(engine.stats().waiting()).isEqualTo(5);
    engine.step();
    assertThat(large.told).containsExactly("admitted");
    while (engine.step() > 0) {}
    assertThat(small).allMatch(RecordingListener::hasEnded);
  }

  @Test
  void everySequenceHasATokenInEveryStepOnceItDecodes() {
    engine.close();
    engine = engine(64, new EngineSettings(100, 4, 4));
    for (int i = 0; i < 3; i++) {
      submit(1, 40);
    }
    engine.step();
    RecordingListener prompt = submit(10, 2);
    // Three decodes leave one token of four to the prompt: slow, but it gets through.
    for (int i = 0; i < 10; i++) {
      expectSlices(4);
    }
    assertThat(prompt.told).containsExactly("admitted", "token 0");
    expectSlices(4);
    assertThat(prompt.last()).isEqualTo("finished LENGTH");
  }

  private void expectSlices(int slices) {
    engine.step();
    assertThat(model.takeLastStep()).hasSize(slices);
  }

  @Test
  void blocksOutsideTheWindowGoBackWhileTheSequenceRuns() {
    model = new FakeModel(1000, 20);
    engine.close();
    // Window 20, chunks of up to 8: three blocks suffice for a sequence of any length.
    engine = engine(3, new EngineSettings(10, 8, 2));
    RecordingListener listener = submit(40, 200);
    expectStep("0+8 NONE [0" + ", -1".repeat(14) + "]");
    for (int i = 0; i < 4; i++) {
      engine.step();
    }
    // Position 39 was computed last, 40 sees from 21 on.
    expectStep("40+1 LAST [-1, 1, 2" + ", -1".repeat(12) + "]");
    for (int i = 0; i < 10; i++) {
      engine.step();
    }
    expectStep("51+1 LAST [-1, -1, 2, 0" + ", -1".repeat(11) + "]");
    while (engine.step() > 0) {}
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(listener.ids()).isEqualTo(FakeModel.continuation(20, Requests.prompt(40, 40), 200));
  }

  @Test
  void aPausedSequenceComputesNothingAndKeepsLeaseAndPlace() {
    RecordingListener listener = new RecordingListener();
    SequenceHandle handle = submit(10, 5, listener);
    submit(20, 5);
    expectStep("0+10 LAST [0]", "0+20 LAST [1, 2]");
    handle.pause();
    expectStep("20+1 LAST [1, 2]");
    expectStep("21+1 LAST [1, 2]");
    assertThat(engine.stats().paused()).isEqualTo(1);
    assertThat(engine.stats().running()).isEqualTo(2);
    assertThat(listener.told).containsExactly("admitted", "token 0");

    handle.resume();
    expectStep("10+1 LAST [0]", "22+1 LAST [1, 2]");
    assertThat(engine.stats().paused()).isZero();
    while (engine.step() > 0) {}
    assertThat(listener.ids())
        .as("the pause changed nothing")
        .isEqualTo(FakeModel.continuation(0, Requests.prompt(10, 10), 5));
  }

  @Test
  void aPauseInPrefillLeavesTheBudgetToOthers() {
    SequenceHandle handle = submit(100, 5, new RecordingListener());
    expectStep("0+32 NONE [0, 1, -1, -1, -1, -1, -1]");
    handle.pause();
    submit(60, 5);
    expectStep("0+32 NONE [2, 3, -1, -1, -1]");
    handle.resume();
    expectStep("32+32 NONE [0, 1, 4, 5, -1, -1, -1]");
  }

  @Test
  void nothingIsLeftToDoWhenAllArePausedUntilOneIsCancelled() {
    RecordingListener first = new RecordingListener();
    RecordingListener second = new RecordingListener();
    SequenceHandle one = submit(5, 50, first);
    SequenceHandle other = submit(6, 50, second);
    engine.step();
    one.pause();
    other.pause();
    long steps = engine.stats().steps();
    assertThat(engine.step()).isZero();
    assertThat(engine.step()).isZero();
    assertThat(engine.stats().steps()).isEqualTo(steps);
    assertThat(engine.stats().paused()).isEqualTo(2);

    one.cancel();
    assertThat(engine.step()).isEqualTo(1);
    assertThat(first.last()).isEqualTo("cancelled in DECODE");
    assertThat(engine.stats().paused()).isEqualTo(1);
    engine.close();
    assertThat(second.last()).isEqualTo("cancelled in DECODE");
    assertThat(engine.stats().paused()).isZero();
  }

  @Test
  void promptsWhoseLogprobsAreWantedAskForAllLogits() {
    RecordingListener listener = new RecordingListener();
    engine.submit(
        Requests.withPromptLogprobs(Requests.request(Requests.prompt(1, 50), 3, listener)));
    expectStep("0+32 ALL [0, 1, -1, -1]");
    expectStep("32+18 ALL [0, 1, 2, 3]");
    expectStep("50+1 LAST [0, 1, 2, 3]");
  }
}
