package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.kvcache.EvictionCause;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.model.TestModels;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.SamplingParams;
import dev.slabstream.tensor.KvType;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The promise "same request, same bytes", on real models: requests that come at random moments, between cancelled ones, share
/// small steps and the beginnings of their prompts; each gives the ids and log-probabilities, bit for bit, that it gives alone, its
/// prompt computed at once and as a whole.
class EngineSameBytesTest {
  private static final int NUM_REQUESTS = 24;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  /// What a request gives: ids, and log-probabilities as bits.
  private record Bytes(
      String end,
      List<Integer> ids,
      List<Integer> logprobs,
      List<Integer> topLogprobs,
      List<Integer> promptLogprobs) {
    static Bytes of(RecordingListener listener) {
      List<Integer> promptLogprobs = new ArrayList<>();
      float[] ofPrompt = listener.promptLogprobs;
      if (ofPrompt != null) {
        for (float logprob : ofPrompt) {
          promptLogprobs.add(Float.floatToIntBits(logprob));
        }
      }
      return new Bytes(
          listener.last(),
          listener.tokens.stream().map(SampledToken::id).toList(),
          listener.tokens.stream().map(token -> Float.floatToIntBits(token.logprob())).toList(),
          listener.tokens.stream()
              .flatMap(token -> token.top().stream())
              .map(top -> Float.floatToIntBits(top.logprob()))
              .toList(),
          promptLogprobs);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama-a, Q4_1, AUTO, F32",
    "gpt2-a, Q8_0, AUTO, Q8",
    "mistral-swa-a, hf, AUTO, F32",
    "mistral-swa-a, hf, AUTO, Q8",
    "qwen3-swa-a, hf, AUTO, F16",
    "llama-a, F16, SCALAR, F32",
    "llama-a, Q4_0, SCALAR, Q8"
  })
  void aRequestGivesTheSameBytesAloneAndInACrowd(
      String name, String tag, KernelBackend backend, KvType type) {
    try (Kernels kernels = Kernels.open(new KernelSettings(backend, 0, 2));
        Checkpoint checkpoint = Checkpoint.open(TestModels.tiny(name, tag));
        LanguageModel model = LanguageModel.load(checkpoint, kernels)) {
      List<SequenceRequest> requests = requests(model.config().vocabSize());
      KvSlab slab = leaks.slab(model.config().kvLayout(24, 16, type));
      List<Bytes> alone = new ArrayList<>();
      for (SequenceRequest request : requests) {
        alone.add(alone(model, slab, request));
      }
      List<Bytes> together = together(model, slab, requests);
      for (int i = 0; i < NUM_REQUESTS; i++) {
        assertThat(together.get(i)).as("request %d", i).isEqualTo(alone.get(i));
      }
      assertThat(together).anyMatch(bytes -> bytes.end().equals("finished EOS_TOKEN"));
      assertThat(together).anyMatch(bytes -> bytes.end().equals("finished LENGTH"));
    }
  }

  private static List<SequenceRequest> requests(int vocabSize) {
    SplittableRandom random = new SplittableRandom(24);
    int[] beginning = random.ints(90, 0, vocabSize).toArray();
    List<SequenceRequest> requests = new ArrayList<>();
    for (int i = 0; i < NUM_REQUESTS; i++) {
      int[] prompt = random.ints(random.nextInt(1, 90), 0, vocabSize).toArray();
      if (i % 4 != 0) {
        System.arraycopy(beginning, 0, prompt, 0, random.nextInt(prompt.length + 1));
      }
      SamplingParams sampling =
          i % 3 == 0
              ? new SamplingParams(0, 0, 1, 0, 1, 1, 0, 0, Map.of(), 0, 2)
              : new SamplingParams(
                  0.5 + random.nextDouble(),
                  random.nextInt(0, 50),
                  0.9,
                  0.01,
                  i % 2 == 0 ? 0.95 : 1,
                  1.1,
                  0.2,
                  0.1,
                  Map.of(3, 1.5),
                  random.nextLong(),
                  i % 4);
      int[] eosIds = i % 4 == 1 ? random.ints(vocabSize / 8, 0, vocabSize).toArray() : new int[0];
      requests.add(
          new SequenceRequest(
              prompt,
              random.nextInt(1, 40),
              sampling,
              eosIds,
              new int[0],
              i % 5 == 0,
              null,
              new RecordingListener()));
    }
    return requests;
  }

  private static SequenceRequest toldTo(
      RecordingListener listener, @Nullable CacheScope scope, SequenceRequest request) {
    return new SequenceRequest(
        request.promptIds(),
        request.maxNewTokens(),
        request.sampling(),
        request.eosIds(),
        request.stopTokenIds(),
        request.promptLogprobs(),
        scope,
        listener);
  }

  private static Bytes alone(LanguageModel model, KvSlab slab, SequenceRequest request) {
    RecordingListener listener = new RecordingListener();
    try (Engine engine = new Engine(new EngineSettings(1, 128, 1), model, slab, System::nanoTime)) {
      engine.submit(toldTo(listener, null, request));
      while (engine.step() > 0) {}
    }
    return Bytes.of(listener);
  }

  /// Small steps, random arrivals, and a third as many requests that are cancelled somewhere on the way.
  private static List<Bytes> together(
      LanguageModel model, KvSlab slab, List<SequenceRequest> requests) {
    SplittableRandom random = new SplittableRandom(7);
    List<RecordingListener> listeners = new ArrayList<>();
    List<SequenceHandle> toCancel = new ArrayList<>();
    CacheScope scope = new CacheScope();
    try (Engine engine =
        new Engine(new EngineSettings(100, 23, 6), model, slab, System::nanoTime)) {
      while (listeners.size() < requests.size()) {
        SequenceRequest next = requests.get(listeners.size());
        RecordingListener listener = new RecordingListener();
        engine.submit(toldTo(listener, scope, next));
        listeners.add(listener);
        if (random.nextInt(3) == 0) {
          toCancel.add(engine.submit(toldTo(new RecordingListener(), scope, next)));
        }
        if (!toCancel.isEmpty() && random.nextInt(4) == 0) {
          toCancel.remove(random.nextInt(toCancel.size())).cancel();
        }
        for (int i = random.nextInt(6); i > 0; i--) {
          engine.step();
        }
      }
      toCancel.forEach(SequenceHandle::cancel);
      while (engine.step() > 0) {}
      assertThat(engine.stats().failed()).isZero();
      assertThat(engine.stats().cachedTokens()).isPositive();
      assertThat(slab.stats().evictions().get(EvictionCause.ROOM)).isPositive();
    }
    return listeners.stream().map(Bytes::of).toList();
  }
}
