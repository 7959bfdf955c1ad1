package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MatmulTest {
  private static final int COLS = 512;
  private static final int ROWS = 37;
  private static final int TOKENS = 3;

  /// A chain of n FMAs on numbers below 1 errs by at most about n * 2^-24 of the sum of magnitudes; random signs leave far less, and
  /// the grouped form adds the group's offset of codes (up to 16 times the weight). 2^-17 of the magnitudes covers both.
  private static final double TOLERANCE = 0x1p-17;

  private static final ValueLayout.OfInt RAW_INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort RAW_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final RandomTensors random = new RandomTensors(7);

  @ParameterizedTest
  @EnumSource
  void scalarProductsEqualDoublePrecisionOfTheDequantisedWeights(ElementType type) {
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 2))) {
      PackedMatrix w = kernels.pack(List.of(random.tensor(type, ROWS, COLS)));
      float[] x = random.floats(TOKENS * COLS, 1f);
      float[] y = new float[TOKENS * ROWS];
      kernels.matmul(w, x, y, TOKENS);
      float[] weights = allRows(kernels, w);
      for (int t = 0; t < TOKENS; t++) {
        for (int row = 0; row < ROWS; row++) {
          double expected = 0;
          double magnitude = 0;
          for (int k = 0; k < COLS; k++) {
            double product = (double) weights[row * COLS + k] * x[t * COLS + k];
            expected += product;
            magnitude += Math.abs(product);
          }
          assertThat((double) y[t * ROWS + row])
              .as("%s token %d row %d", type, t, row)
              .isCloseTo(expected, offset(magnitude * TOLERANCE));
        }
      }
    }
  }

  @Test
  void tensorsPackedTogetherFollowEachOtherWhateverTheirTypes() {
    Tensor first = random.tensor(ElementType.Q4_K, 33, COLS);
    Tensor second = random.tensor(ElementType.Q6_K, 5, COLS);
    float[] x = random.floats(2 * COLS, 1f);
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 1))) {
      float[] together = product(kernels, List.of(first, second), x, 2, 38);
      float[] one = product(kernels, List.of(first), x, 2, 33);
      float[] two = product(kernels, List.of(second), x, 2, 5);
      for (int t = 0; t < 2; t++) {
        assertThat(Arrays.copyOfRange(together, t * 38, t * 38 + 33))
            .isEqualTo(Arrays.copyOfRange(one, t * 33, (t + 1) * 33));
        assertThat(Arrays.copyOfRange(together, t * 38 + 33, (t + 1) * 38))
            .isEqualTo(Arrays.copyOfRange(two, t * 5, (t + 1) * 5));
      }
      assertThat(allRows(kernels, kernels.pack(List.of(first, second))))
          .startsWith(allRows(kernels, kernels.pack(List.of(first))))
          .endsWith(allRows(kernels, kernels.pack(List.of(second))));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWeightOrScaleThatIsNotFiniteIsRefusedWithItsPlace(ElementType type) {
    Tensor tensor = random.tensor(type, 40, 256);
    long block = tensor.data().byteSize() - type.blockBytes();
    int scale = type == ElementType.Q6_K ? 208 : 0;
    if (type == ElementType.F32) {
      tensor.data().set(RAW_INT, block, Float.floatToRawIntBits(Float.NaN));
    } else {
      tensor.data().set(RAW_SHORT, block + scale, (short) 0x7F80);
    }
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 2))) {
      assertThatThrownBy(() -> kernels.pack(List.of(tensor)))
          .isInstanceOf(NonFiniteWeightException.class)
          .hasMessageContaining(tensor.name())
          .hasMessageContaining("byte " + block);
    }
  }

  @Test
  void tensorsOfDifferentWidthCannotBePackedTogether() {
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 1))) {
      assertThatThrownBy(
              () ->
                  kernels.pack(
                      List.of(
                          random.tensor(ElementType.F32, 2, 32),
                          random.tensor(ElementType.F32, 2, 64))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("64")
          .hasMessageContaining("32");
    }
  }

  private static float[] product(
      Kernels kernels, List<Tensor> weights, float[] x, int tokens, int rows) {
    float[] y = new float[tokens * rows];
    kernels.matmul(kernels.pack(weights), x, y, tokens);
    return y;
  }

  private static float[] allRows(Kernels kernels, PackedMatrix w) {
    int[] rows = new int[w.rows()];
    Arrays.setAll(rows, i -> i);
    float[] out = new float[w.rows() * w.cols()];
    kernels.gatherRows(w, rows, rows.length, out);
    return out;
  }
}
