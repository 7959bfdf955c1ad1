package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// What becomes of a sequence when all goes well.
class EngineTest {
  private static final int[] NONE = {};

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(16));
  private final FakeClock clock = new FakeClock();
  private final List<String> watched = new ArrayList<>();
  private final Engine engine =
      new Engine(
          new EngineSettings(3, 64, 8),
          model,
          slab,
          clock,
          new EngineEvents() {
            @Override
            public void onStep(int numTokens, int numPromptTokens, int numSequences, long nanos) {
              watched.add(
                  "step of %d (%d) for %d in %d"
                      .formatted(numTokens, numPromptTokens, numSequences, nanos));
            }

            @Override
            public void onAdmitted(long queueNanos) {
              watched.add("admitted after " + queueNanos);
            }

            @Override
            public void onFirstToken(long sinceSubmittedNanos, long prefillNanos) {
              watched.add("first token after %d (%d)".formatted(sinceSubmittedNanos, prefillNanos));
            }

            @Override
            public void onNextToken(long sinceLastNanos) {
              watched.add("next token after " + sinceLastNanos);
            }

            @Override
            public void onEnded(
                Outcome outcome,
                Phase phase,
                int promptTokens,
                int generatedTokens,
                SequenceTimes times) {
              watched.add(
                  "%s in %s with %d + %d".formatted(outcome, phase, promptTokens, generatedTokens));
            }
          },
          error -> {
            throw new AssertionError(error);
          });

  private final int[] prompt = Requests.prompt(3, 10);
  private final int[] expected = FakeModel.continuation(0, prompt, 30);
  private final RecordingListener listener = new RecordingListener();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private void runToEnd() {
    while (engine.step() > 0) {}
    assertThat(listener.hasEnded()).isTrue();
    assertThat(slab.stats().openLeases()).isZero();
  }

  private int[] expected(int count) {
    return Arrays.copyOf(expected, count);
  }

  @Test
  void generatesAsManyTokensAsAskedFor() {
    engine.submit(Requests.request(prompt, 30, listener));
    runToEnd();
    assertThat(listener.ids()).isEqualTo(expected);
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(slab.stats().resets()).containsEntry(ResetCause.FINISHED, 1L);
    assertThat(listener.tokens.getFirst().logprob()).isEqualTo(2f - FakeModel.LOG_SUM_EXP);
  }

  @Test
  void endsWithAnEndOfTextTokenAndHandsItOut() {
    engine.submit(
        Requests.withEnds(
            Requests.request(prompt, 30, listener), new int[] {48, expected[4]}, NONE));
    runToEnd();
    assertThat(listener.ids()).isEqualTo(expected(firstOf(expected[4]) + 1));
    assertThat(listener.last()).isEqualTo("finished EOS_TOKEN");
  }

  @Test
  void endsWithAStopToken() {
    engine.submit(
        Requests.withEnds(Requests.request(prompt, 30, listener), NONE, new int[] {expected[4]}));
    runToEnd();
    assertThat(listener.ids()).isEqualTo(expected(firstOf(expected[4]) + 1));
    assertThat(listener.last()).isEqualTo("finished STOP_SEQUENCE");
  }

  private int firstOf(int id) {
    int i = 0;
    while (expected[i] != id) {
      i++;
    }
    return i;
  }

  @Test
  void endsWhenTheListenerSaysStop() {
    listener.verdict =
        index -> index == 6 ? SequenceListener.Verdict.STOP : SequenceListener.Verdict.CONTINUE;
    engine.submit(Requests.request(prompt, 30, listener));
    runToEnd();
    assertThat(listener.ids()).isEqualTo(expected(7));
    assertThat(listener.last()).isEqualTo("finished STOP_SEQUENCE");
  }

  @Test
  void anEndOfTextTokenOutranksTheOtherReasonsToEnd() {
    listener.verdict = index -> SequenceListener.Verdict.STOP;
    engine.submit(
        Requests.withEnds(
            Requests.request(prompt, 1, listener),
            new int[] {expected[0]},
            new int[] {expected[0]}));
    runToEnd();
    assertThat(listener.last()).isEqualTo("finished EOS_TOKEN");
  }

  @Test
  void tellsTheLogprobsOfThePromptBeforeTheFirstToken() {
    int[] longPrompt = Requests.prompt(5, 100);
    // The model expects this very token at position 71.
    longPrompt[71] = FakeModel.after(0, Arrays.copyOf(longPrompt, 71));
    engine.submit(Requests.withPromptLogprobs(Requests.request(longPrompt, 2, listener)));
    runToEnd();
    assertThat(listener.told)
        .containsExactly("admitted", "prompt logprobs", "token 0", "token 1", "finished LENGTH");
    float[] logprobs = Objects.requireNonNull(listener.promptLogprobs);
    assertThat(logprobs).hasSize(100);
    for (int i = 0; i < 100; i++) {
      int likely = FakeModel.after(0, Arrays.copyOf(longPrompt, i));
      float logit = longPrompt[i] == likely ? 2f : 0f;
      assertThat(logprobs[i])
          .as("token %d", i)
          .isEqualTo(Float.valueOf(i == 0 ? Float.NaN : logit - FakeModel.LOG_SUM_EXP));
    }
  }

  @Test
  void aPromptOfOneTokenIsEnough() {
    engine.submit(Requests.withPromptLogprobs(Requests.request(new int[] {7}, 3, listener)));
    runToEnd();
    assertThat(listener.promptLogprobs).containsExactly(Float.NaN);
    assertThat(listener.ids()).isEqualTo(FakeModel.continuation(0, new int[] {7}, 3));
  }

  @Test
  void outputDoesNotDependOnWhatElseIsInTheBatch() {
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      listeners.add(new RecordingListener());
      engine.submit(Requests.request(Requests.prompt(i, 3 + 20 * i), 10 + i, listeners.getLast()));
      engine.step();
    }
    while (engine.step() > 0) {}
    for (int i = 0; i < 3; i++) {
      assertThat(listeners.get(i).ids())
          .isEqualTo(FakeModel.continuation(0, Requests.prompt(i, 3 + 20 * i), 10 + i));
    }
  }

  @Test
  void refusesAtOnceWhenTooManyWait() {
    for (int i = 0; i < 3; i++) {
      engine.submit(Requests.request(prompt, 5, new RecordingListener()));
    }
    assertThatExceptionOfType(OverloadedException.class)
        .isThrownBy(() -> engine.submit(Requests.request(prompt, 5, listener)))
        .satisfies(e -> assertThat(e.limit()).isEqualTo(3));
    assertThat(listener.told).isEmpty();
    assertThat(engine.stats().rejected()).isEqualTo(1);
    engine.step();
    // All three are admitted: there is room again.
    engine.submit(Requests.request(prompt, 5, listener));
    runToEnd();
    assertThat(engine.stats().submitted()).isEqualTo(4);
  }

  @Test
  void refusesAtOnceWhatTheWholeSlabCannotHold() {
    assertThat(engine.maxSequenceTokens()).isEqualTo(256);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> engine.submit(Requests.request(prompt, 247, listener)))
        .withMessage(
            "prompt (10) and new tokens (247) together must be at most 256, what the slab holds; got 257");
    engine.submit(Requests.request(prompt, 246, listener));
    runToEnd();
    assertThat(listener.ids()).hasSize(246);
  }

  @Test
  void theContextLimitsWhatAWindowedSequenceCanHave() {
    Engine windowed =
        new Engine(new EngineSettings(1, 16, 1), new FakeModel(1000, 32), slab, clock);
    assertThat(windowed.maxSequenceTokens()).isEqualTo(1000);
    windowed.close();
  }

  @Test
  void requestsMustBeOfUse() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Requests.request(NONE, 1, listener))
        .withMessageContaining("promptIds");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Requests.request(prompt, 0, listener))
        .withMessageContaining("maxNewTokens must be 1 to");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Requests.request(prompt, Integer.MAX_VALUE, listener));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EngineSettings(1, 4, 5))
        .withMessage("maxRunning must be at most maxBatchTokens, 4; got 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EngineSettings(0, 4, 4))
        .withMessage("maxQueue must be at least 1; got 0");
  }

  @Test
  void keepsTheMomentsOfASequenceAndTellsTheWatcher() {
    model.before = () -> clock.advance(100);
    engine.submit(Requests.request(prompt, 3, listener));
    clock.advance(7);
    engine.step();
    clock.advance(5);
    runToEnd();
    assertThat(listener.times).isEqualTo(new SequenceTimes(1000, 1007, 1107, 1312));
    assertThat(watched)
        .containsExactly(
            "admitted after 7",
            "first token after 107 (100)",
            "step of 10 (10) for 1 in 100",
            "next token after 105",
            "step of 1 (0) for 1 in 100",
            "next token after 100",
            "Finished[reason=LENGTH] in DECODE with 10 + 3",
            "step of 1 (0) for 1 in 100");
  }

  @Test
  void countsWhatItDoes() {
    engine.submit(Requests.request(prompt, 3, listener));
    assertThat(engine.stats()).isEqualTo(stats(1, 0, 0, 0, 0, 0));
    engine.step();
    assertThat(engine.stats()).isEqualTo(stats(0, 1, 1, 10, 1, 0));
    engine.step();
    assertThat(engine.stats()).isEqualTo(stats(0, 1, 2, 10, 2, 0));
    engine.step();
    assertThat(engine.stats()).isEqualTo(stats(0, 0, 3, 10, 3, 1));
    assertThat(engine.step()).isZero();
    assertThat(engine.stats()).isEqualTo(stats(0, 0, 3, 10, 3, 1));
  }

  private static EngineStats stats(
      int waiting, int running, long steps, long promptTokens, long generatedTokens, long ended) {
    return new EngineStats(
        waiting,
        running,
        0,
        steps,
        0,
        promptTokens,
        0,
        generatedTokens,
        1,
        0,
        Map.of(
            FinishReason.LENGTH, ended, FinishReason.EOS_TOKEN, 0L, FinishReason.STOP_SEQUENCE, 0L),
        0,
        Map.of(Phase.QUEUED, 0L, Phase.PREFILL, 0L, Phase.DECODE, 0L),
        0);
  }

  @Test
  void closingCancelsWhatWaitsAndRunsAndRefusesTheRest() {
    engine.submit(Requests.request(prompt, 30, listener));
    engine.step();
    RecordingListener queued = new RecordingListener();
    engine.submit(Requests.request(prompt, 30, queued));
    engine.close();
    assertThat(listener.last()).isEqualTo("cancelled in DECODE");
    assertThat(queued.told).containsExactly("cancelled in QUEUED");
    assertThat(slab.stats().openLeases()).isZero();
    assertThatIllegalStateException()
        .isThrownBy(() -> engine.submit(Requests.request(prompt, 30, new RecordingListener())));
    engine.close();
    engine.drain(Duration.ZERO);
    assertThatIllegalStateException().isThrownBy(engine::start);
  }
}
