package dev.slabstream.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Small cases computed by hand. The probabilities of most are 0.5, 0.25, 0.125, 0.125 for ids 2, 0, 1, 3.
class SamplerTest {
  private static final int[] NO_PROMPT = {};
  private static final float[] HALVES = logs(0.25, 0.125, 0.5, 0.125);

  @Test
  void greedyTakesTheGivenArgmax() {
    assertThat(Sampler.of(SamplingParams.greedy(), NO_PROMPT, 4).sample(HALVES, 0, 2, 0, 0).id())
        .isEqualTo(2);
  }

  @Test
  void greedyWithPenaltiesTakesTheLowestIdAmongEquals() {
    float[] logits = {1, 3, 5, 3};
    Sampler sampler = Sampler.of(with().bias(Map.of(2, -4.0)).build(), NO_PROMPT, 4);
    assertThat(sampler.sample(logits, 0, 2, 0, 0).id()).isEqualTo(1);
  }

  @Test
  void logprobIsOfTheRawLogitsWhateverChangesThem() {
    float[] logits = {0, 9, 1, 2, 3, 9};
    Sampler sampler =
        Sampler.of(with().bias(Map.of(3, 50.0)).temperature(0.1).topN(2).build(), NO_PROMPT, 4);
    SampledToken token = sampler.sample(logits, 1, 0, 9.5f, 0);
    assertThat(token.id()).isEqualTo(2 + 1);
    assertThat(token.logprob()).isEqualTo(3 - 9.5f);
    assertThat(token.top()).containsExactly(new TokenLogprob(0, -0.5f), new TokenLogprob(3, -6.5f));
  }

  @Test
  void alternativesAreMostLikelyFirstAndLowerIdsFirstAmongEquals() {
    float[] logits = {1, 7, 3, 7, 3, 2};
    SampledToken token =
        Sampler.of(with().topN(4).build(), NO_PROMPT, 6).sample(logits, 0, 1, 0, 0);
    assertThat(token.top()).extracting(TokenLogprob::id).containsExactly(1, 3, 2, 4);
    assertThat(Sampler.of(with().topN(99).build(), NO_PROMPT, 6).sample(logits, 0, 1, 0, 0).top())
        .hasSize(6);
  }

  @Test
  void repetitionPenaltyDividesPositiveLogitsAndMultipliesNegativeOnes() {
    // 4 / 2 = 2 for the prompt's token 0; -1 * 2 = -2 for token 1; token 2 is untouched.
    Candidates candidates = loaded(4, -1, 3);
    TokenCounts counts = new TokenCounts(0);
    counts.addPrompt(0);
    counts.addOutput(1);
    counts.addOutput(1);
    counts.penalise(candidates, with().repetition(2).build());
    assertThat(candidates.logit(0)).isEqualTo(2);
    assertThat(candidates.logit(1)).isEqualTo(-2);
    assertThat(candidates.logit(2)).isEqualTo(3);
  }

  @Test
  void frequencyAndPresencePenaltiesCountTheOutputOnly() {
    // Token 1 occurs twice: 3 - 2 * 0.5 - 0.25 = 1.75; the prompt's token 0 keeps its logit.
    Candidates candidates = loaded(4, 3, 3);
    TokenCounts counts = new TokenCounts(0);
    counts.addPrompt(0);
    counts.addOutput(1);
    counts.addOutput(1);
    counts.penalise(candidates, with().frequency(0.5).presence(0.25).build());
    assertThat(candidates.logit(0)).isEqualTo(4);
    assertThat(candidates.logit(1)).isEqualTo(1.75f);
    assertThat(candidates.logit(2)).isEqualTo(3);
  }

  @Test
  void biasIsAddedBeforeTheRepetitionPenalty() {
    // (1 + 5) / 2 = 3 beats 2.75; 1 / 2 + 5 would as well, but (1 + 4) / 2 = 2.5 does not, while 1
    // / 2 + 4 would.
    float[] logits = {1, 2.75f};
    int[] prompt = {0};
    assertThat(
            Sampler.of(with().repetition(2).bias(Map.of(0, 5.0)).build(), prompt, 2)
                .sample(logits, 0, 1, 0, 0)
                .id())
        .isEqualTo(0);
    assertThat(
            Sampler.of(with().repetition(2).bias(Map.of(0, 4.0)).build(), prompt, 2)
                .sample(logits, 0, 1, 0, 0)
                .id())
        .isEqualTo(1);
  }

  @Test
  void whatWasChosenIsPenalisedInTheNextStep() {
    float[] logits = {1, 2, 1.5f};
    Sampler sampler = Sampler.of(with().presence(0.75).build(), NO_PROMPT, 3);
    assertThat(sampler.sample(logits, 0, 1, 0, 0).id()).isEqualTo(1);
    assertThat(sampler.sample(logits, 0, 1, 0, 1).id()).isEqualTo(2);
    assertThat(sampler.sample(logits, 0, 1, 0, 2).id()).isEqualTo(1);
  }

  @Test
  void countsOfThousandsOfTokensAreKeptApart() {
    int vocabSize = 5000;
    float[] logits = new float[vocabSize];
    Sampler sampler = Sampler.of(with().presence(1).build(), NO_PROMPT, vocabSize);
    for (int index = 0; index <= vocabSize; index++) {
      // Every token once, in the order of ids; then all are penalised alike.
      assertThat(sampler.sample(logits, 0, 0, 0, index).id()).isEqualTo(index % vocabSize);
    }
  }

  @Test
  void topKIsNeverMoreThanKAndPrefersLowerIdsAmongEquals() {
    assertThat(drawn(HALVES, with().temperature(1).topK(3).build())).containsExactly(0, 1, 2);
    assertThat(drawn(HALVES, with().temperature(1).topK(1).build())).containsExactly(2);
    assertThat(drawn(HALVES, with().temperature(1).topK(9).build())).containsExactly(0, 1, 2, 3);
  }

  @Test
  void topPIncludesTheTokenThatReachesIt() {
    assertThat(drawn(HALVES, with().temperature(1).topP(0.4).build())).containsExactly(2);
    assertThat(drawn(HALVES, with().temperature(1).topP(0.6).build())).containsExactly(0, 2);
    assertThat(drawn(HALVES, with().temperature(1).topP(0.8).build())).containsExactly(0, 1, 2);
    assertThat(drawn(HALVES, with().temperature(1).topP(0.9).build())).containsExactly(0, 1, 2, 3);
  }

  @Test
  void topPIsOfWhatTopKLeft() {
    // Of ids 2 and 0 alone, id 2 has 2/3.
    assertThat(drawn(HALVES, with().temperature(1).topK(2).topP(0.65).build())).containsExactly(2);
    assertThat(drawn(HALVES, with().temperature(1).topK(2).topP(0.7).build()))
        .containsExactly(0, 2);
  }

  @Test
  void minPIsAShareOfTheMostLikely() {
    assertThat(drawn(HALVES, with().temperature(1).minP(0.6).build())).containsExactly(2);
    assertThat(drawn(HALVES, with().temperature(1).minP(0.4).build())).containsExactly(0, 2);
    assertThat(drawn(HALVES, with().temperature(1).minP(0.2).build())).containsExactly(0, 1, 2, 3);
  }

  @Test
  void filtersSeeTheDistributionAtItsTemperature() {
    // At temperature 0.5 the probabilities are squared: 0.25 / 0.34375 = 0.727 for id 2.
    assertThat(drawn(HALVES, with().temperature(0.5).topP(0.7).build())).containsExactly(2);
    assertThat(drawn(HALVES, with().temperature(1).topP(0.7).build())).containsExactly(0, 2);
  }

  @Test
  void typicalPKeepsTheSurpriseNearestToTheEntropy() {
    // Entropy 1.75 bits. Surprises 2, 3, 1, 3 bits: distances 0.25, 1.25, 0.75, 1.25. The most
    // likely is not the first.
    assertThat(drawn(HALVES, with().temperature(1).typicalP(0.2).build())).containsExactly(0);
    assertThat(drawn(HALVES, with().temperature(1).typicalP(0.7).build())).containsExactly(0, 2);
    assertThat(drawn(HALVES, with().temperature(1).typicalP(0.8).build())).containsExactly(0, 1, 2);
  }

  @Test
  void aBannedTokenIsNeverChosenEvenIfItIsTheLikeliest() {
    Map<Integer, Double> ban = Map.of(2, Double.NEGATIVE_INFINITY);
    assertThat(drawn(HALVES, with().temperature(1).bias(ban).build())).containsExactly(0, 1, 3);
    SamplingParams penalised = with().repetition(1e300).bias(ban).build();
    assertThat(Sampler.of(penalised, new int[] {0, 1, 2, 3}, 4).sample(HALVES, 0, 2, 0, 0).id())
        .isNotEqualTo(2);
  }

  @Test
  void overflowingPenaltiesAndTinyTemperaturesLeaveSomethingToChoose() {
    float[] logits = {-3e38f, -2e38f, -1e38f};
    SamplingParams params =
        with().temperature(Double.MIN_VALUE).repetition(1e308).typicalP(0.5).topP(0.5).build();
    assertThat(Sampler.of(params, new int[] {0, 1, 2}, 3).sample(logits, 0, 2, 0, 0).id())
        .isBetween(0, 2);
  }

  @Test
  void banningEverythingOrNamingAnUnknownIdIsRefused() {
    double ban = Double.NEGATIVE_INFINITY;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sampler.of(with().bias(Map.of(0, ban, 1, ban)).build(), NO_PROMPT, 2))
        .withMessageContaining("bans every token");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sampler.of(with().bias(Map.of(7, 1.0)).build(), NO_PROMPT, 7))
        .withMessageContaining("vocabulary size 7; got 7");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sampler.of(with().repetition(2).build(), new int[] {-1}, 7))
        .withMessageContaining("got -1");
  }

  @Test
  void parametersOutOfRangeAreRefusedByName() {
    assertRefused(with().temperature(-0.1), "temperature");
    assertRefused(with().temperature(Double.NaN), "temperature");
    assertRefused(with().topK(-1), "topK");
    assertRefused(with().topP(0), "topP");
    assertRefused(with().topP(1.1), "topP");
    assertRefused(with().minP(1.1), "minP");
    assertRefused(with().typicalP(0), "typicalP");
    assertRefused(with().repetition(0), "repetitionPenalty");
    assertRefused(with().frequency(Double.NaN), "frequencyPenalty");
    assertRefused(with().presence(Double.POSITIVE_INFINITY), "presencePenalty");
    assertRefused(with().bias(Map.of(3, Double.NaN)), "logitBias of 3");
    assertRefused(with().bias(Map.of(3, Double.POSITIVE_INFINITY)), "logitBias of 3");
    assertRefused(with().bias(Map.of(-3, 1.0)), "an id in logitBias");
    assertRefused(with().topN(-1), "topN");
  }

  @Test
  void randomNumbersAreTheSameOnEveryMachineAndInEveryVersion() {
    // A change here changes the text of every seeded request. The second is SplitMix64's second
    // output for state 0.
    assertThat(CounterRandom.uniform(0, 0)).isEqualTo((0xE220A8397B1DCDAFL >>> 11) * 0x1p-53);
    assertThat(CounterRandom.uniform(0, 1)).isEqualTo((0x6E789E6AA1B965F4L >>> 11) * 0x1p-53);
  }

  private static void assertRefused(Builder params, String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(params::build)
        .withMessageStartingWith(name + " must be");
  }

  private static Set<Integer> drawn(float[] logits, SamplingParams params) {
    Sampler sampler = Sampler.of(params, NO_PROMPT, logits.length);
    Set<Integer> ids = new TreeSet<>();
    for (int index = 0; index < 500; index++) {
      ids.add(sampler.sample(logits, 0, 0, 0, index).id());
    }
    return ids;
  }

  private static Candidates loaded(float... logits) {
    Candidates candidates = new Candidates();
    candidates.load(logits, 0, logits.length);
    return candidates;
  }

  private static float[] logs(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) StrictMath.log(probabilities[i]);
    }
    return logits;
  }

  static Builder with() {
    return new Builder();
  }

  static final class Builder {
    private double temperature;
    private int topK;
    private double topP = 1;
    private double minP;
    private double typicalP = 1;
    private double repetition = 1;
    private double frequency;
    private double presence;
    private Map<Integer, Double> bias = Map.of();
    private long seed = 1;
    private int topN;

    Builder temperature(double value) {
      temperature = value;
      return this;
    }

    Builder topK(int value) {
      topK = value;
      return this;
    }

    Builder topP(double value) {
      topP = value;
      return this;
    }

    Builder minP(double value) {
      minP = value;
      return this;
    }

    Builder typicalP(double value) {
      typicalP = value;
      return this;
    }

    Builder repetition(double value) {
      repetition = value;
      return this;
    }

    Builder frequency(double value) {
      frequency = value;
      return this;
    }

    Builder presence(double value) {
      presence = value;
      return this;
    }

    Builder bias(Map<Integer, Double> value) {
      bias = value;
      return this;
    }

    Builder seed(long value) {
      seed = value;
      return this;
    }

    Builder topN(int value) {
      topN = value;
      return this;
    }

    SamplingParams build() {
      return new SamplingParams(
          temperature,
          topK,
          topP,
          minP,
          typicalP,
          repetition,
          frequency,
          presence,
          bias,
          seed,
          topN);
    }
  }
}
