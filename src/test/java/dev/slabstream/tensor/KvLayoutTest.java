package dev.slabstream.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class KvLayoutTest {
  /// Llama 3.2 1B: 16 layers, 8 heads of 64. Eight contexts of 128 Ki tokens take 64 GiB.
  private static final KvLayout LARGE = new KvLayout(16, 8 * 8192, 8, 64, 16);

  @Test
  void theMatricesOfALargeSlabFollowEachOtherFromItsBeginningToItsEnd() {
    assertThat(LARGE.slabBytes()).isEqualTo(64L << 30);
    assertThat(LARGE.keyOffset(0, 0, 0)).isZero();
    assertThat(LARGE.valueOffset(0, 0, 0)).isEqualTo(LARGE.keyOffset(0, 0, 8));
    assertThat(LARGE.keyOffset(0, 1, 0)).isEqualTo(LARGE.blockLayerBytes());
    assertThat(LARGE.keyOffset(1, 0, 0)).isEqualTo(LARGE.slabBytes() / 16);
    assertThat(LARGE.valueOffset(15, 65535, 7) + LARGE.matrixBytes()).isEqualTo(64L << 30);
  }

  @Test
  void aPositionTakesWhatItsTypeTakes() {
    // SmolLM2-135M: 30 layers, keys and values, 3 heads of 64.
    long elements = 30L * 2 * 3 * 64;
    assertThat(new KvLayout(30, 1, 3, 64, 16, KvType.F32).tokenBytes()).isEqualTo(4 * elements);
    assertThat(new KvLayout(30, 1, 3, 64, 16, KvType.F16).tokenBytes())
        .isEqualTo(2 * elements + 30 * 2 * 3 * 4);
    assertThat(new KvLayout(30, 1, 3, 64, 16, KvType.Q8).tokenBytes())
        .isEqualTo(elements + 30 * 2 * 3 * 4);
  }

  @Test
  void sizesThatPassALongAreRefusedAndNeverWrapAround() {
    int most = Integer.MAX_VALUE;
    KvLayout tooLarge = new KvLayout(most, most, 1, 1 << 12, 16);
    assertThatExceptionOfType(ArithmeticException.class).isThrownBy(tooLarge::slabBytes);
  }

  @Test
  void aBlockIsAMultipleOfSixteenTokens() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KvLayout(1, 1, 1, 8, 24))
        .withMessage("blockTokens must be a multiple of 16; got 24");
  }
}
