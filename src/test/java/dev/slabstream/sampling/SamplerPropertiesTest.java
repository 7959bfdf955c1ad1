package dev.slabstream.sampling;

import static dev.slabstream.sampling.SamplerTest.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.sampling.ReferenceSampling.Candidate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// The sampler against a straightforward one, and against the probabilities it should have. All seeds are fixed.
class SamplerPropertiesTest {
  /// Chi-square with 9 degrees of freedom is over this once in ten thousand seeds; the seeds here are fixed, so it never flakes.
  private static final double CRITICAL_9 = 33.72;

  @Test
  void choosesWhatASamplerThatSortsEverythingChooses() {
    SplittableRandom random = new SplittableRandom(20_26);
    for (int round = 0; round < 1500; round++) {
      int vocabSize = 1 + random.nextInt(round % 10 == 0 ? 3000 : 60);
      SamplingParams params = randomParams(random, vocabSize);
      int[] prompt = random.ints(random.nextInt(20), 0, vocabSize).toArray();
      Sampler sampler = Sampler.of(params, prompt, vocabSize);
      List<Integer> output = new ArrayList<>();
      for (int index = 0; index < 4; index++) {
        float[] logits = randomLogits(random, vocabSize);
        double[] adjusted = ReferenceSampling.adjust(logits, params, prompt, output);
        int id = sampler.sample(logits, 0, argmax(logits), 0, index).id();
        assertThat(id)
            .as("%s of %s tokens, index %s", params, vocabSize, index)
            .isEqualTo(expected(adjusted, params, index));
        output.add(id);
      }
    }
  }

  @Test
  void drawsWithTheProbabilitiesOfTheCandidatesThatAreLeft() {
    float[] logits = {0.3f, 1.9f, -1, 2.2f, 0, 1.1f, -0.4f, 0.8f, 1.5f, 2, -3, -2.5f};
    SamplingParams params = with().temperature(1.3).topK(10).seed(77).build();
    Sampler sampler = Sampler.of(params, new int[0], logits.length);
    int[] counts = new int[logits.length];
    int draws = 40_000;
    for (int index = 0; index < draws; index++) {
      counts[sampler.sample(logits, 0, 3, 0, index).id()]++;
    }
    double[] doubles = new double[logits.length];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = logits[i];
    }
    double chiSquare = 0;
    int expectedTotal = 0;
    for (Candidate candidate : ReferenceSampling.distribution(doubles, params)) {
      double expected = candidate.probability() * draws;
      chiSquare +=
          (counts[candidate.id()] - expected) * (counts[candidate.id()] - expected) / expected;
      expectedTotal += counts[candidate.id()];
    }
    assertThat(expectedTotal).isEqualTo(draws);
    assertThat(chiSquare).isLessThan(CRITICAL_9);
  }

  @Test
  void neighbouringSeedsAndIndexesAreUnrelated() {
    double acrossSeeds = 0;
    double acrossIndexes = 0;
    double products = 0;
    int draws = 50_000;
    int[] bySeed = new int[10];
    int[] byIndex = new int[10];
    for (int i = 0; i < draws; i++) {
      bySeed[(int) (CounterRandom.uniform(i, 0) * 10)]++;
      byIndex[(int) (CounterRandom.uniform(4, i) * 10)]++;
      products += (CounterRandom.uniform(i, 1) - 0.5) * (CounterRandom.uniform(i + 1, 0) - 0.5);
    }
    for (int bin = 0; bin < 10; bin++) {
      acrossSeeds += Math.pow(bySeed[bin] - draws / 10.0, 2) / (draws / 10.0);
      acrossIndexes += Math.pow(byIndex[bin] - draws / 10.0, 2) / (draws / 10.0);
    }
    assertThat(acrossSeeds).isLessThan(CRITICAL_9);
    assertThat(acrossIndexes).isLessThan(CRITICAL_9);
    // The product of two independent centred uniforms has the standard deviation 1/12.
    assertThat(Math.abs(products / draws)).isLessThan(4 / 12.0 / Math.sqrt(draws));
  }

  @Test
  void theSameSeedGivesTheSameTokensWhateverElseIsSampledInBetween() {
    SplittableRandom random = new SplittableRandom(5);
    float[][] steps = new float[50][];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = randomLogits(random, 400);
    }
    SamplingParams params = with().temperature(0.9).topP(0.95).frequency(0.3).seed(123).build();
    List<Integer> alone = new ArrayList<>();
    Sampler first = Sampler.of(params, new int[] {3}, 400);
    for (int i = 0; i < steps.length; i++) {
      alone.add(first.sample(steps[i], 0, argmax(steps[i]), 0, i).id());
    }
    List<Integer> amongOthers = new ArrayList<>();
    Sampler second = Sampler.of(params, new int[] {3}, 400);
    Sampler other = Sampler.of(with().temperature(2).topK(7).seed(9).build(), new int[0], 300);
    for (int i = 0; i < steps.length; i++) {
      other.sample(steps[49 - i], 0, 0, 0, i);
      amongOthers.add(second.sample(steps[i], 0, argmax(steps[i]), 0, i).id());
    }
    assertThat(amongOthers).isEqualTo(alone);
    Sampler otherSeed =
        Sampler.of(
            with().temperature(0.9).topP(0.95).frequency(0.3).seed(124).build(),
            new int[] {3},
            400);
    List<Integer> different = new ArrayList<>();
    for (int i = 0; i < steps.length; i++) {
      different.add(otherSeed.sample(steps[i], 0, argmax(steps[i]), 0, i).id());
    }
    assertThat(different).isNotEqualTo(alone);
  }

  private static int expected(double[] adjusted, SamplingParams params, int index) {
    if (params.temperature() == 0) {
      int best = 0;
      for (int i = 1; i < adjusted.length; i++) {
        best = adjusted[i] > adjusted[best] ? i : best;
      }
      return best;
    }
    double uniform = CounterRandom.uniform(params.seed(), index);
    double cumulative = 0;
    List<Candidate> candidates = ReferenceSampling.distribution(adjusted, params);
    for (Candidate candidate : candidates) {
      cumulative += candidate.probability();
      if (cumulative > uniform) {
        return candidate.id();
      }
    }
    return candidates.getLast().id();
  }

  private static SamplingParams randomParams(SplittableRandom random, int vocabSize) {
    Map<Integer, Double> bias = new HashMap<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      bias.put(
          random.nextInt(vocabSize),
          random.nextBoolean() && vocabSize > 3
              ? Double.NEGATIVE_INFINITY
              : random.nextDouble(-5, 5));
    }
    var params = with().bias(bias).seed(random.nextLong());
    params.temperature(random.nextInt(5) == 0 ? 0 : random.nextDouble(0.2, 2));
    if (random.nextBoolean()) {
      params.topK(1 + random.nextInt(vocabSize + 5));
    }
    if (random.nextBoolean()) {
      params.topP(random.nextDouble(0.05, 1));
    }
    if (random.nextInt(3) == 0) {
      params.minP(random.nextDouble(0, 0.5));
    }
    if (random.nextInt(3) == 0) {
      params.typicalP(random.nextDouble(0.05, 1));
    }
    if (random.nextInt(3) == 0) {
      params
          .repetition(random.nextDouble(0.5, 2))
          .frequency(random.nextDouble(-1, 1))
          .presence(random.nextDouble(-1, 1));
    }
    return params.build();
  }

  /// Steep ones, flat ones, ones with many equals, and ones with an outlier that squeezes all others into one bucket.
  private static float[] randomLogits(SplittableRandom random, int vocabSize) {
    float[] logits = new float[vocabSize];
    int kind = random.nextInt(4);
    for (int i = 0; i < vocabSize; i++) {
      double normal = random.nextGaussian() * (kind == 0 ? 0.1 : 3);
      logits[i] = kind == 2 ? Math.round(normal) : (float) normal;
    }
    if (kind == 3) {
      logits[random.nextInt(vocabSize)] = -1e9f;
    }
    return logits;
  }

  private static int argmax(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
