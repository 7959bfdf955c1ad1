package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class TransformerTest {
  private static final LogitsSink IGNORE = (slice, token, logits, offset, summary) -> {};

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final Kernels kernels = TestBackend.SCALAR.open(1);

  @AfterEach
  void closeTheKernels() {
    kernels.close();
  }

  @Test
  void everyLayerIsASignOfLife() {
    LanguageModel model = load("llama-a", "F32");
    KvSlab slab = slab(model, 16);
    int[] layers = {0};
    LogitsSink sink =
        new LogitsSink() {
          @Override
          public void accept(
              int slice, int token, float[] logits, int offset, Kernels.LogitsSummary summary) {
            assertThat(layers[0]).isEqualTo(model.config().numLayers());
          }

          @Override
          public void layerDone() {
            layers[0]++;
          }
        };
    try (KvLease lease = lease(slab, 70)) {
      model.forward(List.of(new Slice(lease, new int[70], 0, 70, LogitsFor.LAST)), sink);
    }
    assertThat(layers[0]).isEqualTo(model.config().numLayers()).isPositive();
  }

  @Test
  void logitsComeInOrderAndOnlyWhereTheyAreWanted() {
    LanguageModel model = load("llama-a", "F32");
    KvSlab slab = slab(model, 16);
    int[] ids = Arrays.copyOf(GoldenFile.tiny("llama-a", "F32").theCase("150 ids").promptIds(), 70);
    try (KvLease first = lease(slab, 70);
        KvLease second = lease(slab, 5);
        KvLease third = lease(slab, 5);
        KvLease fourth = lease(slab, 3)) {
      StringBuilder order = new StringBuilder();
      model.forward(
          List.of(
              new Slice(first, ids, 0, 70, LogitsFor.ALL),
              new Slice(second, ids, 2, 5, LogitsFor.NONE),
              new Slice(third, ids, 65, 5, LogitsFor.LAST),
              new Slice(fourth, ids, 0, 3, LogitsFor.ALL)),
          (slice, token, logits, offset, summary) ->
              order.append(slice).append(':').append(token).append(' '));

      StringBuilder expected = new StringBuilder();
      for (int t = 0; t < 70; t++) {
        expected.append("0:").append(t).append(' ');
      }
      assertThat(order).hasToString(expected + "2:4 3:0 3:1 3:2 ");
      assertThat(first.numComputedTokens()).isZero();
    }
  }

  @Test
  void aStepWithoutWantedLogitsStillWritesTheKeysAndValuesOfEveryLayer() {
    LanguageModel model = load("qwen3-a", "F32");
    KvSlab slab = slab(model, 2);
    try (KvLease lease = lease(slab, 17)) {
      model.forward(
          List.of(new Slice(lease, new int[17], 0, 17, LogitsFor.NONE)),
          (slice, token, logits, offset, summary) -> {
            throw new AssertionError("no logits were asked for");
          });
      for (int layer = 0; layer < model.config().numLayers(); layer++) {
        int block = lease.blockTable()[1];
        long keyOfPosition16 = slab.layout().keyOffset(layer, block, 1);
        long valueOfPosition16 = slab.layout().valueOffset(layer, block, 1);
        assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, keyOfPosition16)).isFinite();
        assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, valueOfPosition16)).isFinite();
      }
    }
  }

  @Test
  void nanInTheCacheOfASequenceShowsInItsLogitsAndInNoOthers() {
    LanguageModel model = load("llama-a", "Q4_0");
    KvSlab slab = slab(model, 4);
    try (TestSequence poisoned = new TestSequence(model, lease(slab, 20));
        TestSequence sound = new TestSequence(model, lease(slab, 20))) {
      poisoned.feed(5, 1, 2, 3, 4, 5);
      sound.feed(5, 1, 2, 3, 4, 5);
      int block = poisoned.lease().blockTable()[0];
      slab.segment().set(ValueLayout.JAVA_FLOAT, slab.layout().keyOffset(0, block, 0), Float.NaN);
      poisoned.lease().extend(1);
      sound.lease().extend(1);
      boolean[] finite = new boolean[2];
      model.forward(
          List.of(
              new Slice(poisoned.lease(), new int[] {6}, 0, 1, LogitsFor.LAST),
              new Slice(sound.lease(), new int[] {6}, 0, 1, LogitsFor.LAST)),
          (slice, token, logits, offset, summary) -> finite[slice] = summary.finite());
      assertThat(finite).containsExactly(false, true);
    }
  }

  @Test
  void aCallersMistakeIsRefusedWithNumbers() {
    LanguageModel model = load("gpt2-a", "F32");
    KvSlab slab = slab(model, 40);
    KvSlab otherModels = leaks.slab(load("llama-a", "F32").config().kvLayout(1, 16, KvType.F32));
    KvSlab another = slab(model, 1);
    try (KvLease lease = lease(slab, 300);
        KvLease elsewhere = lease(another, 2);
        KvLease foreign = lease(otherModels, 2)) {
      assertRefused(
          model, new Slice(lease, new int[] {512}, 0, 1, LogitsFor.LAST), "id 512 at 0", "512");
      assertRefused(model, new Slice(lease, new int[] {0, -1}, 0, 2, LogitsFor.LAST), "id -1 at 1");
      assertRefused(model, new Slice(lease, new int[1], 0, 0, LogitsFor.LAST), "tokens 0 + 0 of 1");
      assertRefused(model, new Slice(lease, new int[1], 1, 1, LogitsFor.LAST), "tokens 1 + 1 of 1");
      assertRefused(
          model, new Slice(lease, new int[1], -1, 1, LogitsFor.LAST), "tokens -1 + 1 of 1");
      assertRefused(
          model,
          new Slice(lease, new int[257], 0, 257, LogitsFor.LAST),
          "position 256",
          "256 tokens");
      assertRefused(
          model, new Slice(foreign, new int[1], 0, 1, LogitsFor.LAST), "3 layers of 4 heads");
      assertThatThrownBy(
              () ->
                  model.forward(
                      List.of(
                          new Slice(lease, new int[1], 0, 1, LogitsFor.LAST),
                          new Slice(elsewhere, new int[1], 0, 1, LogitsFor.LAST)),
                      IGNORE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("slice 1 lies in another slab");
    }
  }

  private static void assertRefused(LanguageModel model, Slice slice, String... parts) {
    assertThatThrownBy(() -> model.forward(List.of(slice), IGNORE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void anEmptyBatchIsNothingToDo() {
    assertThatCode(() -> load("llama-a", "F32").forward(List.of(), IGNORE))
        .doesNotThrowAnyException();
  }

  @Test
  void aClosedModelSaysSo() {
    LanguageModel model = load("llama-a", "F32");
    model.close();
    model.close();
    try (KvLease lease = lease(slab(model, 1), 1)) {
      assertThatThrownBy(
              () ->
                  model.forward(
                      List.of(new Slice(lease, new int[1], 0, 1, LogitsFor.LAST)), IGNORE))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  private LanguageModel load(String model, String tag) {
    return load(TestModels.tiny(model, tag));
  }

  private LanguageModel load(Path path) {
    Loaded loaded = TestModels.load(path, kernels, 1);
    loaded.slab().close();
    return loaded.model();
  }

  private KvSlab slab(LanguageModel model, int numBlocks) {
    return leaks.slab(model.config().kvLayout(numBlocks, 16, KvType.F32));
  }

  private static KvLease lease(KvSlab slab, int maxTokens) {
    KvLease lease = slab.lease(maxTokens, 0, maxTokens).orElseThrow();
    lease.extend(maxTokens);
    return lease;
  }
}
