package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.SimulatedLoad.Request;
import dev.slabstream.kvcache.LeakDetector;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// What comes of [Scheduler]'s order of prompts in some minutes of simulated load: the bounds that the load tests have for real ones.
class PromptOrderTest {
  private static final int LONG = 4000;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private SimulatedLoad load(EngineSettings settings, IntFunction<Request> mix) {
    return new SimulatedLoad(leaks.slab(FakeModel.layout(2000)), settings, mix);
  }

  /// 64 clients, of which 32 run and 16 wait, with prompts of 5 to 400 tokens. First come, first served gives 1.6.
  @Test
  void underOverloadNobodyWaitsForTwiceAsLongAsTheQueueTakes() {
    int maxQueue = 16;
    int seconds = 600;
    Random random = new Random(1);
    try (SimulatedLoad load =
        load(
            new EngineSettings(maxQueue, 512, 32),
            client ->
                new Request(
                    (int) Math.exp(random.nextDouble(Math.log(5), Math.log(400))),
                    random.nextInt(8, 73)))) {
      load.run(64, seconds);
      assertThat(load.numRefused()).isPositive();
      double queueSeconds = (double) maxQueue * seconds / load.numServed();
      assertThat(load.firstTokenSeconds(any -> true, 0.99)).isLessThan(1.8 * queueSeconds);
    }
  }

  /// Six clients with prompts of 40 tokens, and two with 4,000.
  @Test
  void shortPromptsDoNotStarveBesideLongOnesNorLongOnesBesideShortOnes() {
    EngineSettings settings = new EngineSettings(128, 512, 32);
    double alone;
    try (SimulatedLoad load = load(settings, client -> new Request(LONG, 64))) {
      load.run(1, 60);
      alone = load.firstTokenSeconds(any -> true, 0.5);
    }
    try (SimulatedLoad load = load(settings, client -> new Request(client < 6 ? 40 : LONG, 64))) {
      load.run(8, 900);
      assertThat(load.firstTokenSeconds(tokens -> tokens < LONG, 0.99)).isLessThan(0.22 * alone);
      assertThat(load.firstTokenSeconds(tokens -> tokens == LONG, 1)).isLessThan(3.5 * alone);
    }
  }
}
