package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Who computes what in which step: exact chunks, exact blocks.
class SchedulerTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private FakeModel model = new FakeModel(1000, 0);
  private Engine engine = engine(16, new EngineSettings(100, 40, 4, 8));

  private Engine engine(int numBlocks, EngineSettings settings) {
    KvSlab slab = leaks.slab(FakeModel.layout(numBlocks));
    return new Engine(settings, model, slab, new FakeClock());
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private RecordingListener submit(int promptLength, int maxNewTokens) {
    RecordingListener listener = new RecordingListener();
    engine.submit(
        Requests.request(Requests.prompt(promptLength, promptLength), maxNewTokens, listener));
    return listener;
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
    RecordingListener listener = submit(90, 3);
    expectStep("0+40 NONE [0, 1, 2, -1, -1, -1]");
    expectStep("40+40 NONE [0, 1, 2, 3, 4, -1]");
    assertThat(listener.told).containsExactly("admitted");
    expectStep("80+10 LAST [0, 1, 2, 3, 4, 5]");
    assertThat(listener.told).containsExactly("admitted", "token 0");
    expectStep("90+1 LAST [0, 1, 2, 3, 4, 5]");
    // The last token is sampled from the one before: its own keys and values are never needed.
    expectStep("91+1 LAST [0, 1, 2, 3, 4, 5]");
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(engine.step()).isZero();
  }

  @Test
  void shortPromptsShareAStep() {
    submit(10, 5);
    submit(20, 5);
    submit(16, 5);
    expectStep("0+10 LAST [0]", "0+20 LAST [1, 2]", "0+10 NONE [3, -1]");
    // What is left of the third prompt now comes beside two decodes: eight tokens at most, six are
    // left.
    expectStep("10+1 LAST [0]", "20+1 LAST [1, 2]", "10+6 LAST [3, -1]");
    expectStep("11+1 LAST [0]", "21+1 LAST [1, 2]", "16+1 LAST [3, 4]");
  }

  @Test
  void decodesComeFirstAndPromptsBesideThemInSmallChunks() {
    submit(4, 30);
    expectStep("0+4 LAST [0, -1, -1]");
    submit(18, 30);
    submit(5, 30);
    expectStep("4+1 LAST [0, -1, -1]", "0+8 NONE [1, -1, -1]");
    expectStep("5+1 LAST [0, -1, -1]", "8+8 NONE [1, -1, -1]");
    // The first prompt leaves six of the eight tokens to the next.
    expectStep("6+1 LAST [0, -1, -1]", "16+2 LAST [1, 2, -1]", "0+5 LAST [3, -1, -1]");
    expectStep("7+1 LAST [0, -1, -1]", "18+1 LAST [1, 2, -1]", "5+1 LAST [3, -1, -1]");
  }

  @Test
  void theFirstPromptTakesTheBudgetBeforeTheSecond() {
    submit(50, 1);
    submit(50, 1);
    expectStep("0+40 NONE [0, 1, 2, -1]");
    // Admitted only now: computing begins at once.
    assertThat(engine.stats().running()).isEqualTo(1);
    assertThat(engine.stats().waiting()).isEqualTo(1);
    expectStep("40+10 LAST [0, 1, 2, 3]", "0+30 NONE [4, 5, -1, -1]");
    // The first has finished: nobody decodes, so the whole budget is for the second.
    expectStep("30+20 LAST [4, 5, 0, 1]");
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
    submit(20, 140);
    submit(20, 60);
    RecordingListener third = submit(8, 9);
    expectStep("0+20 LAST [0, 1, -1, -1, -1, -1, -1, -1, -1, -1]", "0+20 LAST [2, 3, -1, -1, -1]");
    assertThat(engine.stats().waiting()).isEqualTo(1);
    for (int i = 0; i < 59; i++) {
      engine.step();
      assertThat(third.told).isEmpty();
    }
    // The second sequence has finished in the last step.
    engine.step();
    assertThat(third.told).containsExactly("admitted", "token 0");
    assertThat(model.takeLastStep())
        .containsExactly("79+1 LAST [0, 1, 4, 6, 8, -1, -1, -1, -1, -1]", "0+8 LAST [2, -1]");
  }

  @Test
  void whoDoesNotFitHoldsUpThoseBehind() {
    RecordingListener first = submit(100, 4);
    RecordingListener large = submit(100, 100);
    RecordingListener small = submit(1, 1);
    while (!first.hasEnded()) {
      assertThat(engine.step()).isPositive();
      assertThat(large.told).isEmpty();
      assertThat(small.told).isEmpty();
    }
    engine.step();
    assertThat(large.told).containsExactly("admitted");
    while (!large.told.contains("token 0")) {
      assertThat(small.told).isEmpty();
      engine.step();
    }
    engine.step();
    assertThat(small.last()).isEqualTo("finished LENGTH");
  }

  @Test
  void everySequenceHasATokenInEveryStepOnceItDecodes() {
    engine.close();
    engine = engine(64, new EngineSettings(100, 4, 4, 8));
    for (int i = 0; i < 3; i++) {
      submit(1, 40);
    }
    engine.step();
    RecordingListener prompt = submit(10, 2);
    // Three decodes leave one token of four to the prompt: slow, but it gets through.
    for (int i = 0; i < 10; i++) {
      expectStepOf(4);
    }
    assertThat(prompt.told).containsExactly("admitted", "token 0");
    expectStepOf(4);
    assertThat(prompt.last()).isEqualTo("finished LENGTH");
  }

  private void expectStepOf(int slices) {
    engine.step();
    assertThat(model.takeLastStep()).hasSize(slices);
  }

  @Test
  void blocksOutsideTheWindowGoBackWhileTheSequenceRuns() {
    model = new FakeModel(1000, 20);
    engine.close();
    // Window 20, chunks of up to 8: three blocks suffice for a sequence of any length.
    engine = engine(3, new EngineSettings(10, 8, 2, 8));
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
  void promptsWhoseLogprobsAreWantedAskForAllLogits() {
    RecordingListener listener = new RecordingListener();
    engine.submit(
        Requests.withPromptLogprobs(Requests.request(Requests.prompt(1, 50), 3, listener)));
    expectStep("0+40 ALL [0, 1, 2, -1]");
    expectStep("40+10 ALL [0, 1, 2, 3]");
    expectStep("50+1 LAST [0, 1, 2, 3]");
  }
}
