package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The chunk that comes of step times: of a machine that takes `passNanos` for a pass over the weights, and more for each token.
class PromptBudgetTest {
  private static final long MILLI = 1_000_000;

  private long passNanos = 6 * MILLI;
  private long tokenNanos = 2 * MILLI;
  private PromptBudget budget = new PromptBudget(new EngineSettings(1, 512, 16));

  private long nanos(int tokens) {
    return passNanos + tokens * tokenNanos;
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
    assertThat(budget.tokensBeside(4)).isEqualTo(PromptBudget.FIRST);
  }

  @ParameterizedTest
  // 2.5 x (6 + 2n) ms, less the decodes, is time for 0.75 x (6 + 2n) tokens.
  @CsvSource({"4, 8", "8, 16", "16, 24"})
  void besideDecodesAStepTakesTwoAndAHalfTimesWhatTheyTake(int numDecodes, int expected) {
    decode(numDecodes);
    int tokens = afterSteps(20, numDecodes);
    assertThat(tokens).isEqualTo(expected);
    assertThat(nanos(numDecodes + tokens))
        .isLessThanOrEqualTo((long) (PromptBudget.STRETCH * nanos(numDecodes)));
  }

  @Test
  void aPromptGoesOnHoweverTightTheTime() {
    tokenNanos = 50 * MILLI;
    decode(1);
    // One less than the smallest size: with the decode that makes a whole tile.
    assertThat(afterSteps(20, 1)).isEqualTo(3);
  }

  @Test
  void aloneAStepTakesAQuarterOfASecond() {
    // 6 + 2 x 96 = 198 ms; 128 tokens would take 262.
    assertThat(afterSteps(20, 0)).isEqualTo(96);
  }

  @Test
  void neverMoreThanABatch() {
    tokenNanos = 1000;
    passNanos = 1000;
    assertThat(afterSteps(20, 0)).isEqualTo(512);
    budget = new PromptBudget(new EngineSettings(1, 100, 16));
    assertThat(afterSteps(20, 0)).isEqualTo(100);
    budget = new PromptBudget(new EngineSettings(1, 5, 5));
    // One tile.
    assertThat(afterSteps(20, 0)).isEqualTo(4);
  }

  @Test
  void theOperatorsTargetHoldsInsteadOfTheMultiple() {
    budget = new PromptBudget(new EngineSettings(1, 512, 16, Duration.ofMillis(150)));
    decode(4);
    // 14 ms for the decodes leave 136.
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
  void oneStepThatLostItsProcessorChangesLittle() {
    decode(8);
    int tokens = afterSteps(20, 8);
    budget.learn(8, tokens, 5 * nanos(8 + tokens));
    assertThat(budget.tokensBeside(8)).isEqualTo(8);
    assertThat(afterSteps(10, 8)).isEqualTo(tokens);
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
