package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.model.TestSequence.Row;
import dev.slabstream.tensor.KvType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The same request gives the same bits, whatever is computed beside it and in whatever portions.
/// Every free block is full of NaN.
class EquivalenceTest {
  private static final int NUM_BLOCKS = 48;
  private static final int NUM_STEPS = 12;

  /// Every architecture and arithmetic: plain, quantised by 32 and by 256, grouped heads, windows
  /// in all layers and in some.
  private static final List<GoldenFile> MODELS =
      List.of(
          GoldenFile.tiny("gpt2-a", "F16"),
          GoldenFile.tiny("llama-a", "Q4_1"),
          GoldenFile.tiny("llama-a", "BF16"),
          GoldenFile.tiny("llama-k-a", "Q4_K_M"),
          GoldenFile.tiny("qwen3-a", "Q8_0"),
          GoldenFile.tiny("mistral-swa-a", "hf"),
          GoldenFile.tiny("qwen3-swa-a", "hf"));

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  static Stream<Arguments> backendsModelsAndCacheTypes() {
    return TestBackend.deterministic().stream()
        .flatMap(
            backend ->
                MODELS.stream()
                    .flatMap(
                        model ->
                            Arrays.stream(KvType.values())
                                .map(type -> Arguments.of(backend, model, type))));
  }

  @ParameterizedTest
  @MethodSource("backendsModelsAndCacheTypes")
  void aPromptInChunksGivesTheBitsOfTheWholePrompt(
      TestBackend backend, GoldenFile golden, KvType type) {
    int[] prompt = longPrompt(golden);
    try (Kernels kernels = backend.open(1)) {
      Loaded loaded = load(golden, kernels, type);
      List<Row> whole = all(loaded, prompt.length, prompt);
      assertThat(whole).hasSize(prompt.length);
      for (int chunk : new int[] {1, 7, 16, 100}) {
        assertSameBits("chunks of " + chunk, whole, all(loaded, chunk, prompt));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backendsModelsAndCacheTypes")
  void decodingWithACacheGivesTheBitsOfComputingEverythingAgain(
      TestBackend backend, GoldenFile golden, KvType type) {
    int[] prompt = longPrompt(golden);
    try (Kernels kernels = backend.open(1)) {
      Loaded loaded = load(golden, kernels, type);
      decodeAndCompare(loaded, prompt);
    }
  }

  private static void decodeAndCompare(Loaded loaded, int[] prompt) {
    try (TestSequence cached = sequence(loaded, prompt.length + NUM_STEPS, prompt.length)) {
      Row row = cached.feed(prompt.length, prompt);
      int[] ids = prompt;
      for (int i = 0; i < NUM_STEPS; i++) {
        ids = append(ids, row.summary().argmax());
        row = cached.feed(1, ids[ids.length - 1]);
        try (TestSequence uncached = sequence(loaded, ids.length, ids.length)) {
          assertSameBits("step " + i, List.of(uncached.feed(ids.length, ids)), List.of(row));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backendsModelsAndCacheTypes")
  void sequencesInOneBatchGiveTheBitsOfEachAlone(
      TestBackend backend, GoldenFile golden, KvType type) {
    int[] prompt = longPrompt(golden);
    try (Kernels kernels = backend.open(1)) {
      Loaded loaded = load(golden, kernels, type);
      List<Member> members =
          List.of(
              new Member(Arrays.copyOf(prompt, 150), 0, LogitsFor.LAST),
              new Member(Arrays.copyOfRange(prompt, 3, 20), 16, LogitsFor.LAST),
              new Member(Arrays.copyOfRange(prompt, 40, 100), 59, LogitsFor.ALL),
              new Member(Arrays.copyOfRange(prompt, 70, 109), 16, LogitsFor.ALL),
              new Member(Arrays.copyOfRange(prompt, 9, 49), 30, LogitsFor.NONE),
              new Member(Arrays.copyOfRange(prompt, 8, 9), 0, LogitsFor.LAST));
      List<List<Row>> alone = new ArrayList<>();
      for (Member member : members) {
        alone.addAll(inOneBatch(loaded, List.of(member)));
      }

      List<List<Row>> together = inOneBatch(loaded, members);

      for (int i = 0; i < members.size(); i++) {
        assertSameBits("sequence " + i, alone.get(i), together.get(i));
      }
      assertThat(together).extracting(List::size).containsExactly(1, 1, 1, 23, 0, 1);
    }
  }

  @ParameterizedTest
  @MethodSource("backendsModelsAndCacheTypes")
  void twoAndThreeThreadsGiveTheBitsOfOne(TestBackend backend, GoldenFile golden, KvType type) {
    List<Row> one = promptAndSteps(backend, 1, golden, type);
    assertSameBits("2 threads", one, promptAndSteps(backend, 2, golden, type));
    assertSameBits("3 threads", one, promptAndSteps(backend, 3, golden, type));
  }

  @Test
  void theEmbeddedModelInABatchAndInChunksGivesTheBitsOfEachAlone() {
    GoldenFile golden = GoldenFile.smolLm2();
    int[] text = golden.theCase("tokens300").promptIds();
    int[] question = golden.theCase("question").promptIds();
    try (Kernels one = TestBackend.VECTOR.open(1);
        Kernels two = TestBackend.VECTOR.open(2)) {
      Loaded single = load(golden, one, KvType.F32);
      Loaded loaded = load(golden, two, KvType.F32);
      List<Member> members =
          List.of(
              new Member(question, question.length - 1, LogitsFor.LAST),
              new Member(Arrays.copyOf(text, 200), 150, LogitsFor.LAST),
              new Member(Arrays.copyOfRange(text, 200, 240), 39, LogitsFor.LAST));
      List<List<Row>> together = inOneBatch(loaded, members);

      for (int i = 0; i < members.size(); i++) {
        int[] ids = members.get(i).ids();
        try (TestSequence alone = sequence(single, ids.length, ids.length)) {
          assertSameBits("sequence " + i, List.of(alone.feed(33, ids)), together.get(i));
        }
      }
    }
  }

  /// A sequence that has computed its first `computed` ids and computes the others in the batch.
  private record Member(int[] ids, int computed, LogitsFor logits) {}

  private List<List<Row>> inOneBatch(Loaded loaded, List<Member> members) {
    List<TestSequence> sequences = new ArrayList<>();
    List<Slice> slices = new ArrayList<>();
    List<List<Row>> rows = new ArrayList<>();
    try {
      for (Member member : members) {
        TestSequence sequence = sequence(loaded, member.ids().length, member.ids().length);
        sequences.add(sequence);
        if (member.computed() > 0) {
          sequence.feed(
              member.computed(), LogitsFor.NONE, Arrays.copyOf(member.ids(), member.computed()));
        }
        int count = member.ids().length - member.computed();
        sequence.lease().extend(count);
        slices.add(
            new Slice(sequence.lease(), member.ids(), member.computed(), count, member.logits()));
        rows.add(new ArrayList<>());
      }
      int vocabSize = loaded.model().config().vocabSize();
      loaded
          .model()
          .forward(
              slices,
              (slice, token, logits, offset, summary) ->
                  rows.get(slice)
                      .add(
                          new Row(
                              Arrays.copyOfRange(logits, offset, offset + vocabSize), summary)));
      return rows;
    } finally {
      sequences.forEach(TestSequence::close);
    }
  }

  private List<Row> promptAndSteps(
      TestBackend backend, int threads, GoldenFile golden, KvType type) {
    int[] prompt = longPrompt(golden);
    try (Kernels kernels = backend.open(threads);
        TestSequence sequence =
            sequence(load(golden, kernels, type), prompt.length + NUM_STEPS, prompt.length)) {
      List<Row> rows = new ArrayList<>(sequence.feed(prompt.length, LogitsFor.ALL, prompt));
      for (int i = 0; i < NUM_STEPS; i++) {
        rows.add(sequence.feed(1, rows.getLast().summary().argmax()));
      }
      return rows;
    }
  }

  private List<Row> all(Loaded loaded, int chunk, int[] ids) {
    try (TestSequence sequence = sequence(loaded, ids.length, chunk)) {
      return sequence.feed(chunk, LogitsFor.ALL, ids);
    }
  }

  private Loaded load(GoldenFile golden, Kernels kernels, KvType type) {
    Loaded loaded = TestModels.load(golden.path(), kernels, 1);
    loaded.slab().close();
    return new Loaded(
        loaded.model(), leaks.slab(loaded.model().config().kvLayout(NUM_BLOCKS, 16, type)));
  }

  private static TestSequence sequence(Loaded loaded, int maxTokens, int maxChunk) {
    return new TestSequence(loaded.model(), loaded.slab(), maxTokens, maxChunk);
  }

  private static int[] longPrompt(GoldenFile golden) {
    return golden.theCase("150 ids").promptIds();
  }

  private static int[] append(int[] ids, int id) {
    int[] longer = Arrays.copyOf(ids, ids.length + 1);
    longer[ids.length] = id;
    return longer;
  }

  private static void assertSameBits(String name, List<Row> expected, List<Row> actual) {
    assertThat(actual).as(name).hasSameSizeAs(expected);
    for (int t = 0; t < expected.size(); t++) {
      int place = Arrays.mismatch(bits(expected.get(t)), bits(actual.get(t)));
      assertThat(place).as("%s, row %d: first logit that differs", name, t).isEqualTo(-1);
      assertThat(actual.get(t).summary())
          .as("%s, row %d", name, t)
          .isEqualTo(expected.get(t).summary());
    }
  }

  private static int[] bits(Row row) {
    int[] bits = new int[row.logits().length];
    for (int i = 0; i < bits.length; i++) {
      assertThat(row.logits()[i]).isFinite();
      bits[i] = Float.floatToRawIntBits(row.logits()[i]);
    }
    return bits;
  }
}
