package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.model.AllocationMeter;
import dev.slabstream.model.TestBackend;
import dev.slabstream.model.TestModels;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.SamplingParams;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A step of the engine allocates little beside the forward pass: what it says of each sequence to the model, and the token that it
/// hands out; and now and then the key of a block that it leaves to later requests. None grows with the sequence, the vocabulary
/// or the model.
class StepAllocationTest {
  private static final long BOUND_PER_TOKEN = 160;
  private static final int NUM_SEQUENCES = 3;
  private static final int NUM_STEPS = 24;

  /// Greedy; and drawn, with all filters and penalties.
  @ParameterizedTest
  @ValueSource(strings = {"greedy", "drawn"})
  void aTokenTakesLittleBesideTheForwardPass(String sampling) throws Exception {
    long bytes = AllocationMeter.countInOwnJvm(StepAllocationTest.class, sampling);

    assertThat(bytes / NUM_STEPS / NUM_SEQUENCES).isLessThanOrEqualTo(BOUND_PER_TOKEN);
  }

  /// Prints the bytes that the steps of decoding allocate.
  public static void main(String[] args) {
    SamplingParams sampling =
        args[0].equals("greedy")
            ? SamplingParams.greedy()
            : new SamplingParams(0.8, 40, 0.9, 0.01, 0.95, 1.1, 0.2, 0.1, Map.of(3, 1.5), 7, 0);
    try (Kernels kernels = TestBackend.VECTOR.open(2);
        TestModels.Loaded loaded =
            TestModels.load(TestModels.tiny("llama-a", "Q4_1"), kernels, 24);
        Engine engine =
            new Engine(
                new EngineSettings(8, 128, NUM_SEQUENCES),
                loaded.model(),
                loaded.slab(),
                System::nanoTime)) {
      AllocationMeter meter = new AllocationMeter(kernels);
      long bound = BOUND_PER_TOKEN * NUM_STEPS * NUM_SEQUENCES;
      System.out.println(AllocationMeter.least(bound, () -> decode(engine, sampling, meter)));
    }
  }

  private static long decode(Engine engine, SamplingParams sampling, AllocationMeter meter) {
    int[] none = {};
    CacheScope scope = new CacheScope();
    for (int s = 0; s < NUM_SEQUENCES; s++) {
      int[] prompt = Requests.prompt(s, 20);
      // The first token comes with the prompt, the last one with the end.
      engine.submit(
          new SequenceRequest(
              prompt, NUM_STEPS + 2, sampling, none, none, false, scope, new SilentListener()));
    }
    engine.step();
    long bytes = 0;
    for (int i = 0; i < NUM_STEPS; i++) {
      bytes += meter.bytes(engine::step);
    }
    while (engine.step() > 0) {}
    if (engine.stats().failed() > 0) {
      throw new IllegalStateException("a sequence failed");
    }
    return bytes;
  }

  private static final class SilentListener implements SequenceListener {
    @Override
    public void onAdmitted() {}

    @Override
    public void onPromptLogprobs(float[] logprobs) {}

    @Override
    public Verdict onToken(int index, SampledToken token) {
      return Verdict.CONTINUE;
    }

    @Override
    public void onFinished(FinishReason reason, SequenceTimes times) {}

    @Override
    public void onFailed(Throwable cause, SequenceTimes times) {}

    @Override
    public void onCancelled(Phase phase, SequenceTimes times) {}
  }
}
