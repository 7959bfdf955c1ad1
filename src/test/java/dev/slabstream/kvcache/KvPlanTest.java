package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.slabstream.tensor.KvLayout;
import org.junit.jupiter.api.Test;

class KvPlanTest {
  /// SmolLM2-135M: one token takes 46,080 bytes, one block 737,280.
  private static final KvLayout BLOCK = new KvLayout(30, 1, 3, 64, 16);

  @Test
  void takesAsManyBlocksAsTheSizeHolds() {
    KvPlan plan = KvPlan.ofSize(BLOCK, 10 * 737_280 + 737_279);
    assertThat(plan.layout()).isEqualTo(new KvLayout(30, 10, 3, 64, 16));
    assertThat(plan.numTokens()).isEqualTo(160);
    assertThat(KvPlan.ofSize(BLOCK, 737_280).numTokens()).isEqualTo(16);
  }

  @Test
  void saysWhatIsMissingWhenNoBlockFits() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KvPlan.ofSize(BLOCK, 737_279))
        .withMessage(
            "a slab of 737279 bytes cannot hold one request: one block of 16 tokens takes 737280 bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KvPlan.derived(BLOCK, 1000, 2000, 8192, 0, 512, 4))
        .withMessageContaining("2000 of 1000 bytes are spoken for")
        .withMessageContaining("737280");
  }

  @Test
  void derivesRoomForAFewFullContextsWhenMemoryIsPlenty() {
    KvPlan plan = KvPlan.derived(BLOCK, 24L << 30, 4L << 30, 8192, 0, 512, 4);
    assertThat(plan.numTokens()).isEqualTo(4 * 8192);
    assertThat(plan.reason()).isEqualTo("4 sequences of 8192 tokens");
  }

  @Test
  void derivesHalfOfWhatIsLeftWhenMemoryIsScarce() {
    KvPlan plan = KvPlan.derived(BLOCK, 1000L << 20, 400L << 20, 8192, 0, 512, 4);
    assertThat(plan.layout().numBlocks()).isEqualTo((int) ((300L << 20) / 737_280));
    assertThat(plan.reason()).isEqualTo("50 % of the 629145600 bytes left");
  }

  @Test
  void aWindowNeedsLessThanTheContext() {
    KvPlan plan = KvPlan.derived(BLOCK, 24L << 30, 0, 8192, 1024, 512, 2);
    assertThat(plan.layout().numBlocks()).isEqualTo(2 * (1536 / 16 + 1));
  }
}
