package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.engine.EngineEvents;
import dev.slabstream.kvcache.KvStats;
import dev.slabstream.kvcache.ResetCause;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.weights.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class LoadedModelTest {
  private static final long SLAB_BYTES = 4L << 20;

  /// The slab is sized before anything is packed: the size that is foreseen is that which comes about, but for vectors, which are
  /// counted as floats and lie in the heap.
  @ParameterizedTest
  @EnumSource
  void theSizeOfThePackedWeightsIsForeseen(ElementType type) {
    boolean isK = type.blockElements() == 256;
    String model = isK ? "llama-k-a" : "llama-a";
    Path path = TestModel.TINY.resolveSibling(Path.of("..", model, model + "-" + type + ".gguf"));
    LoadSettings settings = TestModel.settings(SLAB_BYTES);
    long foreseen;
    long vectors;
    long fileBytes;
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      foreseen = SlabSizing.packedBytes(checkpoint, settings.kernels());
      vectors =
          checkpoint.tensors().values().stream()
              .filter(tensor -> tensor.rows() == 1)
              .mapToLong(tensor -> Float.BYTES * tensor.cols())
              .sum();
      fileBytes = checkpoint.tensors().values().stream().mapToLong(t -> t.data().byteSize()).sum();
    }
    try (LoadedModel loaded = LoadedModel.load(path, settings)) {
      assertThat(loaded.weightsBytes()).isEqualTo(foreseen - vectors);
    }
    if (isK || type == ElementType.Q5_0 || type == ElementType.Q5_1) {
      assertThat(foreseen).isGreaterThan(fileBytes);
    }
  }

  @Test
  void tinyModelComesUpWarmAndGoesDownWithEveryLeaseBack() throws InterruptedException {
    List<String> told = new ArrayList<>();
    LoadedModel loaded =
        LoadedModel.load(
            TestModel.TINY, TestModel.settings(SLAB_BYTES), told::add, EngineEvents.NONE, _ -> {});
    try (loaded) {
      loaded.engine().start();
      WarmUp warmUp = new WarmUp(loaded, told::add);
      warmUp.kernels();
      warmUp.sampling();
      KvStats stats = loaded.slab().stats();

      assertThat(stats.openLeases()).isZero();
      assertThat(stats.leasedBlocks()).isZero();
      assertThat(stats.resets().get(ResetCause.FINISHED)).isEqualTo(6);
      assertThat(loaded.quantization()).isEqualTo(ElementType.Q4_1);
      assertThat(loaded.weightsBytes()).isBetween(100_000L, sizeOf(TestModel.TINY));
      assertThat(loaded.config().contextLength()).isEqualTo(512);
      assertThat(loaded.slab().layout().slabBytes()).isBetween(SLAB_BYTES / 2, SLAB_BYTES);
      assertThat(loaded.secondsByPhase())
          .containsOnlyKeys("open", "kernels", "weights", "tokenizer", "slab");
      assertThat(told)
          .startsWith("opening the model")
          .endsWith(
              "allocating the slab",
              "warming up, 0 %: a short request",
              "warming up, 50 %: a long prompt",
              "warming up, 80 %: sampling, and requests over HTTP");
    }
    loaded.close();
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> loaded.slab().segment().fill((byte) 0));
  }

  private static long sizeOf(Path path) {
    try {
      return Files.size(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void derivedSlabHoldsTheContext() {
    LoadSettings given = TestModel.settings(1);
    LoadSettings derived =
        new LoadSettings(
            given.kernels(),
            given.engine(),
            OptionalLong.empty(),
            given.blockTokens(),
            given.kvType(),
            given.resetFill(),
            given.slabMemory());
    try (LoadedModel loaded = LoadedModel.load(TestModel.TINY, derived)) {
      assertThat(loaded.slabPlan().numTokens()).isEqualTo(4 * 512);
      assertThat(loaded.engine().maxSequenceTokens()).isEqualTo(512);
    }
  }

  @Test
  void brokenFileGivesOneMessageWithPathAndPlace() {
    Path broken = TestModel.REFERENCE.resolve("malformed/trunc-counts.gguf");
    assertThatExceptionOfType(ModelUnusableException.class)
        .isThrownBy(() -> LoadedModel.load(broken, TestModel.settings(SLAB_BYTES)))
        .withMessageContainingAll(broken.toString(), "expected", "found");
  }

  @Test
  void slabThatHoldsNothingGivesOneMessageWithBothNumbers() {
    assertThatExceptionOfType(ModelUnusableException.class)
        .isThrownBy(() -> LoadedModel.load(TestModel.TINY, TestModel.settings(1000)))
        .withMessageContainingAll("1000 bytes", "cannot hold one request");
  }

  @Test
  void modelIsFoundInTheWorkingDirectoryOrRefusedWithThePlaces(@TempDir Path elsewhere)
      throws IOException {
    Path file = Files.createFile(elsewhere.resolve("model.gguf"));
    assertThat(ModelPath.find(file.toString())).isEqualTo(file);
    assertThat(ModelPath.find("src/test/resources/reference/tiny/llama-a/llama-a-Q4_1.gguf"))
        .isEqualTo(TestModel.TINY);
    assertThatExceptionOfType(ModelUnusableException.class)
        .isThrownBy(() -> ModelPath.find("models/none.gguf"))
        .withMessageContainingAll(
            "slabstream.model.path", Path.of("models/none.gguf").toAbsolutePath().toString());
  }
}
