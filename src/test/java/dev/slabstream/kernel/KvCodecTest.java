package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvCodecTest {
  private static final int HEAD_DIM = 8;
  private static final int NUM_HEADS = 3;
  private static final int SLOT = 21;

  private final MemorySegment slab = Arena.ofAuto().allocate(1 << 16, 64);

  @Test
  void floatsStayAsTheyAre() {
    float[] x = {0f, -0f, 1.1f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NaN, -3e-5f, 7f};
    assertThat(keysAfterStoring(KvType.F32, x)).containsExactly(x);
  }

  @Test
  void halvesAreRoundedToEvenAndSaturate() {
    float[] x = {1f + 0x1p-11f, 1f + 0x3p-11f, 70000f, -1e30f, 0x1p-24f, 0x1p-26f, 65504f, -0f};
    assertThat(keysAfterStoring(KvType.F16, x))
        .containsExactly(1f, 1f + 0x1p-9f, 65504f, -65504f, 0x1p-24f, 0f, 65504f, -0f);
  }

  @Test
  void codesAreRoundedToTheNearestOfTheLargestMagnitude() {
    float[] x = {-12.7f, 0.04f, 0.06f, 12.6f, -0.1f, 3f, 0f, 1.26f};
    float step = 12.7f / 127;
    assertThat(keysAfterStoring(KvType.Q8, x))
        .containsExactly(-127 * step, 0f, step, 126 * step, -step, 30 * step, 0f, 13 * step);
  }

  @Test
  void codesOfZerosAreZeros() {
    assertThat(keysAfterStoring(KvType.Q8, new float[HEAD_DIM])).containsOnly(0f);
    float[] tiny = new float[HEAD_DIM];
    Arrays.fill(tiny, Float.MIN_VALUE);
    assertThat(keysAfterStoring(KvType.Q8, tiny)).containsOnly(0f);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "Q8"})
  void whatIsNotFiniteMakesItsWholeRowNotANumber(KvType type) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] x = new float[HEAD_DIM];
      x[3] = bad;
      x[5] = 2f;
      assertThat(keysAfterStoring(type, x)).containsOnly(Float.NaN);
    }
  }

  /// Every token, head and matrix has a place of its own: whatever is stored around does not change it.
  @ParameterizedTest
  @EnumSource
  void neighboursDoNotTouchEachOther(KvType type) {
    KvLayout layout = layout(type);
    RandomTensors random = new RandomTensors(7);
    int heads = NUM_HEADS * HEAD_DIM;
    float[][] tokens = new float[32][];
    KvRun run = new KvRun(new int[] {1}, 0, 32, 0);
    for (int t = 0; t < 32; t++) {
      tokens[t] = random.floats(2 * heads, 4f);
      KvCodec.store(tokens[t], 0, heads, slab, layout, 1, run, t);
    }
    for (int t = 0; t < 32; t++) {
      for (int head = 0; head < NUM_HEADS; head++) {
        long keys = layout.keyOffset(1, 1, head);
        long values = layout.valueOffset(1, 1, head);
        float[] key = key(layout, keys, t);
        float[] value = value(layout, values, t);
        for (int d = 0; d < HEAD_DIM; d++) {
          int from = head * HEAD_DIM + d;
          assertThat(key[d]).isCloseTo(tokens[t][from], within(type));
          assertThat(value[d]).isCloseTo(tokens[t][heads + from], within(type));
        }
      }
    }
    assertThat(layout.valueOffset(1, 1, NUM_HEADS - 1) + layout.matrixBytes())
        .isEqualTo(layout.slabBytes());
  }

  private static Offset<Float> within(KvType type) {
    return Offset.offset(
        switch (type) {
          case F32 -> 0f;
          case F16 -> 4 * 0x1p-11f;
          case Q8 -> 4f / 127 / 2 * 1.0001f;
        });
  }

  private float[] keysAfterStoring(KvType type, float[] x) {
    KvLayout layout = layout(type);
    float[] row = Arrays.copyOf(x, 2 * NUM_HEADS * HEAD_DIM);
    KvRun run = new KvRun(new int[] {0}, 0, 1, SLOT);
    KvCodec.store(row, 0, NUM_HEADS * HEAD_DIM, slab, layout, 0, run, SLOT);
    long matrix = layout.keyOffset(0, 0, 0);
    return key(layout, matrix, SLOT);
  }

  private float[] key(KvLayout layout, long matrix, int slot) {
    float[] key = new float[HEAD_DIM];
    KvCodec.key(slab, layout, matrix, slot, key);
    return scaled(key, KvCodec.scale(slab, layout, matrix, slot));
  }

  private float[] value(KvLayout layout, long matrix, int slot) {
    float[] value = new float[HEAD_DIM];
    KvCodec.value(slab, layout, matrix, slot, value);
    return scaled(value, KvCodec.scale(slab, layout, matrix, slot));
  }

  private static float[] scaled(float[] x, float scale) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= scale;
    }
    return x;
  }

  private static KvLayout layout(KvType type) {
    return new KvLayout(2, 2, NUM_HEADS, HEAD_DIM, 32, type);
  }
}
