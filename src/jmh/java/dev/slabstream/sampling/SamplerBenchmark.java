package dev.slabstream.sampling;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The choice of one token out of a vocabulary: what sampling adds to the step of each sequence.
@NullUnmarked // the set-up method fills the fields
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SamplerBenchmark {
  /// Which filters a request asks for.
  public enum Filters {
    GREEDY(0, 0, 1, 0, 1, 1),
    TEMPERATURE(0.8, 0, 1, 0, 1, 1),
    TOP_K(0.8, 40, 1, 0, 1, 1),
    TOP_P(0.8, 0, 0.95, 0, 1, 1),
    MIN_P(0.8, 0, 1, 0.05, 1, 1),
    TYPICAL_P(0.8, 0, 1, 0, 0.9, 1),
    ALL(0.8, 40, 0.95, 0.05, 0.9, 1.1);

    private final SamplingParams params;

    Filters(
        double temperature,
        int topK,
        double topP,
        double minP,
        double typicalP,
        double repetitionPenalty) {
      params =
          new SamplingParams(
              temperature, topK, topP, minP, typicalP, repetitionPenalty, 0, 0, Map.of(), 1, 0);
    }
  }

  /// How the logits are spread.
  public enum Shape {
    /// Like a model that knows what comes next: a few far above the rest.
    PEAKED,
    /// Like one that does not: the filters have to look at many.
    FLAT
  }

  @Param({"49152", "151936"})
  int vocabSize;

  @Param Filters filters;

  @Param Shape shape;

  private Sampler sampler;
  private float[] logits;
  private int argmax;
  private float logSumExp;
  private int index;

  @Setup
  public void fill() {
    SplittableRandom random = new SplittableRandom(1);
    logits = new float[vocabSize];
    for (int i = 0; i < vocabSize; i++) {
      logits[i] = (float) (random.nextGaussian() * (shape == Shape.PEAKED ? 3 : 0.5));
    }
    if (shape == Shape.PEAKED) {
      for (int i = 0; i < 20; i++) {
        logits[random.nextInt(vocabSize)] = 14 + i / 2f;
      }
    }
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      argmax = logits[i] > logits[argmax] ? i : argmax;
      sum += Math.exp(logits[i]);
    }
    logSumExp = (float) Math.log(sum);
    int[] prompt = random.ints(512, 0, vocabSize).toArray();
    sampler = Sampler.of(filters.params, prompt, vocabSize);
  }

  @Benchmark
  public SampledToken sample() {
    return sampler.sample(logits, 0, argmax, logSumExp, index++);
  }
}
