package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.model.ModelConfig.Architecture;
import org.junit.jupiter.api.Test;

class RotaryTableTest {
  private static final int HEAD_DIM = 8;

  /// Cosines and sines of position 1023, as correctly rounded values.
  private static final int[] BITS = {
    1053611453,
    -1102468250,
    -1087281857,
    1057313696,
    -1083531575,
    1065024634,
    -1086811535,
    1062898278
  };

  @Test
  void aPositionTurnsEveryPairByItsFrequency() {
    RotaryTable table = new RotaryTable(config(new float[0]));
    int[] positions = {0, 5, 300, 1000};
    float[] cos = new float[16];
    float[] sin = new float[16];

    table.fill(positions, 4, cos, sin);

    for (int t = 0; t < 4; t++) {
      for (int i = 0; i < HEAD_DIM / 2; i++) {
        double angle = positions[t] / Math.pow(10_000, 2.0 * i / HEAD_DIM);
        assertThat(cos[t * 4 + i]).isCloseTo((float) Math.cos(angle), within(1e-6f));
        assertThat(sin[t * 4 + i]).isCloseTo((float) Math.sin(angle), within(1e-6f));
      }
    }
  }

  @Test
  void aScalingFactorDividesTheFrequency() {
    float[] cos = new float[4];
    float[] sin = new float[4];
    new RotaryTable(config(new float[] {1, 2, 4, 1})).fill(new int[] {40}, 1, cos, sin);
    float[] plainCos = new float[4];
    float[] plainSin = new float[4];
    RotaryTable plain = new RotaryTable(config(new float[0]));
    for (int i : new int[] {1, 2}) {
      plain.fill(new int[] {40 / (2 * i)}, 1, plainCos, plainSin);
      assertThat(cos[i]).isCloseTo(plainCos[i], within(1e-6f));
      assertThat(sin[i]).isCloseTo(plainSin[i], within(1e-6f));
    }
  }

  @Test
  void theBitsOfTheTableAreTheSameOnEveryMachine() {
    float[] cos = new float[4];
    float[] sin = new float[4];
    new RotaryTable(config(new float[0])).fill(new int[] {1023}, 1, cos, sin);
    int[] bits = new int[8];
    for (int i = 0; i < 4; i++) {
      bits[i] = Float.floatToRawIntBits(cos[i]);
      bits[4 + i] = Float.floatToRawIntBits(sin[i]);
    }
    assertThat(bits).containsExactly(BITS);
  }

  private static ModelConfig config(float[] scaling) {
    return new ModelConfig(
        Architecture.LLAMA,
        "test",
        1,
        HEAD_DIM,
        1,
        1,
        HEAD_DIM,
        8,
        8,
        1024,
        1e-5f,
        10_000,
        scaling,
        0,
        0);
  }
}
