package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.GoldenFile.Case;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.model.TestSequence.Row;
import dev.slabstream.tensor.KvType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SlidingWindowTest {
  private static final int CHUNK = 24;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  static List<TestBackend> deterministic() {
    return TestBackend.deterministic();
  }

  @ParameterizedTest
  @MethodSource("deterministic")
  void blocksOutsideTheWindowGoBackAndTheBitsStayTheSame(TestBackend backend) {
    GoldenFile golden = GoldenFile.tiny("mistral-swa-a", "hf");
    Case longest = golden.theCase("150 ids");
    int maxTokens = longest.promptIds().length + longest.steps().size();
    try (Kernels kernels = backend.open(2)) {
      Loaded loaded = TestModels.load(golden.path(), kernels, 1);
      loaded.slab().close();
      LanguageModel model = loaded.model();
      // Window 16, chunk 24 and a block: far too small for 190 positions.
      KvSlab small = leaks.slab(model.config().kvLayout(4, 16, KvType.F32));
      KvSlab large = leaks.slab(model.config().kvLayout(16, 16, KvType.F32));

      List<Row> returning = run(model, small.lease(maxTokens, 16, CHUNK).orElseThrow(), longest);
      List<Row> keeping = run(model, large.lease(maxTokens, 0, CHUNK).orElseThrow(), longest);

      assertThat(small.stats().highWaterBlocks()).isLessThanOrEqualTo(4);
      assertThat(large.stats().highWaterBlocks()).isEqualTo(Math.ceilDiv(maxTokens, 16));
      for (int i = 0; i < keeping.size(); i++) {
        assertThat(returning.get(i).logits()).as("step %d", i).isEqualTo(keeping.get(i).logits());
        if (longest.steps().get(i).gap() >= GoldenFile.MIN_GAP) {
          assertThat(returning.get(i).summary().argmax()).isEqualTo(longest.steps().get(i).id());
        }
      }
    }
  }

  private static List<Row> run(LanguageModel model, KvLease lease, Case golden) {
    List<Row> rows = new ArrayList<>();
    try (TestSequence sequence = new TestSequence(model, lease)) {
      rows.add(sequence.feed(CHUNK, golden.promptIds()));
      for (GoldenFile.Step step : golden.steps().subList(0, golden.steps().size() - 1)) {
        rows.add(sequence.feed(1, step.id()));
      }
    }
    return rows;
  }
}
