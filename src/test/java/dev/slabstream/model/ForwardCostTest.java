package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import org.junit.jupiter.api.Test;

/// The arithmetic of a forward pass, held against counts made by hand.
class ForwardCostTest {
  private static final long LLAMA_QKV = 64 * (64 + 32 + 32);
  private static final long LLAMA_TAIL = 64 * 64 + 3 * 64 * 160;

  @Test
  void countsTheWeightsThatAreUsed() {
    try (Kernels kernels = TestBackend.SCALAR.open(1);
        Loaded loaded = TestModels.load(TestModels.tiny("llama-a", "F32"), kernels, 4)) {
      ForwardCost cost = loaded.model().cost();

      assertThat(cost.layerWeights()).isEqualTo(3 * (LLAMA_QKV + LLAMA_TAIL));
      assertThat(cost.lastLayerTailWeights()).isEqualTo(LLAMA_TAIL);
      assertThat(cost.headWeights()).isEqualTo(512 * 64);
      assertThat(cost.packedBytes()).isEqualTo(4 * (cost.layerWeights() + 512 * 64));
    }
  }

  @Test
  void countsGptsTwoMatricesOfTheFeedForwardBlock() {
    try (Kernels kernels = TestBackend.SCALAR.open(1);
        Loaded loaded = TestModels.load(TestModels.tiny("gpt2-a", "F16"), kernels, 4)) {
      ForwardCost cost = loaded.model().cost();

      assertThat(cost.lastLayerTailWeights()).isEqualTo(64 * 64 + 2 * 64 * 256);
      assertThat(cost.layerWeights()).isEqualTo(3 * (3 * 64 * 64 + cost.lastLayerTailWeights()));
      assertThat(cost.packedBytes()).isEqualTo(2 * (cost.layerWeights() + 512 * 64));
    }
  }

  @Test
  void aTokenCostsItsProductsAndWhatItsQueriesSee() {
    ForwardCost cost = new ForwardCost(config(3, 0, 0), 1000, 100, 50, 0);

    // 7 positions before and itself, in 3 layers of 4 heads of 16.
    assertThat(cost.flops(7, 1, 1)).isEqualTo(2 * 1050 + 4 * (3 * 8) * 4 * 16);
    assertThat(cost.positionsSeen(7, 1)).isEqualTo(3 * 8);
  }

  @Test
  void ofAPromptOnlyTheLastTokenGoesThroughTheEndOfTheLastLayerAndTheHead() {
    ForwardCost cost = new ForwardCost(config(3, 0, 0), 1000, 100, 50, 0);

    long seenByTwoLayers = 2 * (1 + 2 + 3 + 4 + 5);
    assertThat(cost.flops(0, 5, 1))
        .isEqualTo(2 * (5 * 1000 - 4 * 100 + 50) + 4 * (seenByTwoLayers + 5) * 4 * 16);
  }

  @Test
  void tokenByTokenCostsWhatAllWithLogitsCost() {
    ForwardCost cost = new ForwardCost(config(4, 6, 1), 1000, 100, 50, 0);

    long sum = 0;
    for (int i = 0; i < 9; i++) {
      sum += cost.flops(3 + i, 1, 1);
    }
    assertThat(cost.flops(3, 9, 9)).isEqualTo(sum);
  }

  @Test
  void aWindowBoundsWhatIsSeen() {
    ForwardCost cost = new ForwardCost(config(4, 6, 1), 0, 0, 0, 0);

    // The first layer sees all of 1..9, the three others at most 6 of them.
    assertThat(cost.positionsSeen(0, 9)).isEqualTo(45 + 3 * (21 + 3 * 6));
  }

  private static ModelConfig config(int numLayers, int window, int windowedFromLayer) {
    return new ModelConfig(
        ModelConfig.Architecture.LLAMA,
        "counted",
        numLayers,
        64,
        4,
        2,
        16,
        160,
        512,
        512,
        1e-5f,
        10000f,
        new float[0],
        window,
        windowedFromLayer);
  }
}
