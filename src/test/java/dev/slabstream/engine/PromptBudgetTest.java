package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The chunk that comes of step times: of a machine that takes `passNanos` for a pass over the weights, and more for each token, or
/// for each tile of four.
class PromptBudgetTest {
  private static final long MILLI = 1_000_000;

  private long passNanos = 6 * MILLI;
  private long tokenNanos = 2 * MILLI;
  private int granularity = 1;
  private PromptBudget budget = new PromptBudget(new EngineSettings(1, 512, 16));

  private long nanos(int tokens) {
    return passNanos + Math.ceilDiv(tokens, granularity) * granularity * tokenNanos;
  }

  /// Takes `steps` steps, the prompt being endless.
  private int afterSteps(int steps, int numDecodes) {
    for (int i = 0; i < steps; i++) {
      int tokens = budget.tokensBeside(numDecodes);
      budget.learn(numDecodes, tokens, nanos(numDecodes + tokens));
    }
    return budget.tokensBeside(numDecodes);
  }

  private void decode(int numDecodes) {
    for (int i = 0; i < 20; i++) {
      budget.learn(numDecodes, 0, nanos(numDecodes));
    }
  }

  @Test
  void beginsSmallWhileNothingIsKnown() {
    assertThat(budget.tokensBeside(0)).isEqualTo(PromptBudget.FIRST);
    assertThat(budget.tokensBeside(4)).isEqualTo(PromptBudget.FIRST - 4);
  }

  @ParameterizedTest
  // 2.5 x (6 + 2n) ms, less the pass, is time for 4.5 + 2.5n tokens, in tiles of four and with the
  // decodes.
  @CsvSource({"1, 3", "2, 6", "3, 9", "4, 8", "8, 16", "16, 28"})
  void besideDecodesAStepTakesTwoAndAHalfTimesWhatTheyTake(int numDecodes, int expected) {
    decode(numDecodes);
    int tokens = afterSteps(20, numDecodes);
    assertThat(tokens).isEqualTo(expected);
    assertThat(nanos(numDecodes + tokens))
        .isLessThanOrEqualTo((long) (PromptBudget.STRETCH * nanos(numDecodes)));
    assertThat(nanos(numDecodes + tokens + 4))
        .isGreaterThan((long) (PromptBudget.STRETCH * nanos(numDecodes)));
  }

  /// Beside two decodes of 8 ms, which leave 20 for a step, one tile takes 14 and two take 22.
  @Test
  void aTileThatDoesNotFitIsNotTriedAgainAndAgain() {
    granularity = 4;
    for (int i = 0; i < 20; i++) {
      budget.learn(2, 0, 8 * MILLI);
    }
    afterSteps(3, 2);
    for (int i = 0; i < 100; i++) {
      assertThat(afterSteps(1, 2)).isEqualTo(2);
    }
  }

  @Test
  void aFirstStepBesideDecodesKnowsWhatStepsWithoutTake() {
    granularity = 4;
    afterSteps(20, 0);
    decode(8);
    // 6 + 2 x 24 ms of 55.
    assertThat(budget.tokensBeside(8)).isBetween(8, 16);
    assertThat(afterSteps(20, 8)).isEqualTo(16);
  }

  /// Prompts come all the time, so nobody ever saw what eight decodes take alone: 22 ms, not eight times 8.
  @Test
  void decodesThatNeverRanAloneTakeNoLongerThanAStepOfAsManyTokens() {
    decode(1);
    int tokens = afterSteps(40, 8);
    assertThat(nanos(8 + tokens)).isLessThanOrEqualTo(3 * nanos(8));
  }

  /// What a step takes with the embedded model on two cores, in ms: few tokens are computed while the weights are read, more of them
  /// tile by tile; attention goes by the context. Each decode needs logits.
  private static double embeddedMillis(int numDecodes, int numPromptTokens, int context) {
    int tokens = numDecodes + numPromptTokens;
    double layers = tokens <= 4 ? 6 + 1.95 * tokens : 10 + 9.0 * Math.ceilDiv(tokens, 4);
    double head =
        numDecodes <= 4 ? 1.6 + 0.53 * numDecodes : 2.7 + 1.9 * Math.ceilDiv(numDecodes, 4);
    return layers + head + 0.3 * numDecodes + 0.000_9 * context * numPromptTokens;
  }

  /// A prompt of 4,000 tokens, after another one. Beside 2 streams, and 4, the most that fits is little more than the least there is.
  @ParameterizedTest
  @CsvSource({"1, 1.1", "2, 1.2", "4, 1.2", "8, 1.1", "16, 1.1"})
  void aLongPromptTakesLittleMoreThanWithTheBestChunkForEachStep(int numDecodes, double atMost) {
    double decodes = embeddedMillis(numDecodes, 0, 0);
    for (int i = 0; i < 20; i++) {
      budget.learn(numDecodes, 0, (long) (decodes * MILLI));
    }
    longPrompt(numDecodes);
    List<Double> steps = longPrompt(numDecodes);
    double sum = steps.stream().mapToDouble(each -> each).sum();
    assertThat(sum).isLessThan(atMost * bestMillis(numDecodes, PromptBudget.STRETCH * decodes));
    long tooLong = steps.stream().filter(each -> each > 3 * decodes).count();
    assertThat(tooLong).isLessThanOrEqualTo(steps.size() / 100);
  }

  /// The steps' times.
  private List<Double> longPrompt(int numDecodes) {
    List<Double> steps = new ArrayList<>();
    for (int context = 0; context < 4000; ) {
      int tokens = Math.min(budget.tokensBeside(numDecodes), 4000 - context);
      double millis = embeddedMillis(numDecodes, tokens, context);
      budget.learn(numDecodes, tokens, (long) (millis * MILLI));
      steps.add(millis);
      context += tokens;
    }
    return steps;
  }

  private static double bestMillis(int numDecodes, double target) {
    double sum = 0;
    for (int context = 0; context < 4000; ) {
      int best = 4 - numDecodes % 4;
      for (int tokens = best; embeddedMillis(numDecodes, tokens, context) <= target; tokens += 4) {
        best = tokens;
      }
      sum += embeddedMillis(numDecodes, best, context);
      context += best;
    }
    return sum;
  }

  @Test
  void aPromptGoesOnHoweverTightTheTime() {
    tokenNanos = 50 * MILLI;
    decode(4);
    budget = new PromptBudget(new EngineSettings(1, 512, 16, Duration.ofMillis(1)));
    // One tile with the decode; beside three, one token would be left of it, so two tiles.
    assertThat(afterSteps(20, 1)).isEqualTo(3);
    assertThat(afterSteps(20, 3)).isEqualTo(5);
    assertThat(afterSteps(20, 4)).isEqualTo(4);
  }

  @Test
  void aloneAStepTakesAQuarterOfASecond() {
    // 6 + 2 x 120 = 246 ms; 124 tokens would take 254.
    assertThat(afterSteps(20, 0)).isEqualTo(120);
  }

  @Test
  void neverMoreThanABatch() {
    tokenNanos = 1000;
    passNanos = 1000;
    assertThat(afterSteps(20, 0)).isEqualTo(512);
    budget = new PromptBudget(new EngineSettings(1, 100, 16));
    assertThat(afterSteps(20, 0)).isEqualTo(100);
    budget = new PromptBudget(new EngineSettings(1, 5, 5));
    assertThat(afterSteps(20, 0)).isEqualTo(5);
    assertThat(budget.tokensBeside(5)).isZero();
  }

  @Test
  void theOperatorsTargetHoldsInsteadOfTheMultiple() {
    budget = new PromptBudget(new EngineSettings(1, 512, 16, Duration.ofMillis(150)));
    decode(4);
    // 6 + 2 x 68 = 142 ms; a tile more, in proportion, is expected to take 150.4.
    assertThat(afterSteps(20, 4)).isEqualTo(64);
  }

  @Test
  void followsTheMachineDownAndUp() {
    decode(8);
    assertThat(afterSteps(20, 8)).isEqualTo(16);
    int before = afterSteps(20, 0);
    tokenNanos *= 8;
    // 6 + 12 x 16 = 198 ms; 16 tokens would take 262.
    assertThat(afterSteps(40, 0)).isEqualTo(12);
    tokenNanos /= 8;
    assertThat(afterSteps(20, 0)).isEqualTo(before);
  }

  @Test
  void oneStepThatLostItsProcessorIsForgottenWithinAFewSteps() {
    decode(8);
    int tokens = afterSteps(20, 8);
    budget.learn(8, tokens, 5 * nanos(8 + tokens));
    assertThat(budget.tokensBeside(8)).isBetween(4, tokens);
    // A tile less is within a hundredth of what fits: it may take a change of the machine, or of
    // the context, to try it again.
    assertThat(afterSteps(10, 8)).isBetween(tokens - 4, tokens);
  }

  @Test
  void whatWasMeasuredForOneNumberOfDecodesServesForOthers() {
    decode(8);
    int eight = afterSteps(20, 8);
    assertThat(budget.tokensBeside(7)).isBetween(8, eight);
    assertThat(budget.tokensBeside(9)).isBetween(eight - 3, 2 * eight);
  }

  @Test
  void aTargetMustBePositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new EngineSettings(1, 4, 4, Duration.ZERO))
        .withMessage("targetStepTime must be positive; got PT0S");
  }
}
