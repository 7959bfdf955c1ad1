package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.slabstream.model.OwnJvm;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorEqualsScalarTest {
  private static Map<String, float[]> scalar = Map.of();

  @BeforeAll
  static void computeTheReference() {
    scalar = KernelScenarios.run(new KernelSettings(KernelBackend.SCALAR, 0, 2));
  }

  @Test
  void chunkedAttentionEqualsWholeAttentionBitForBit() {
    for (Map.Entry<String, float[]> whole : scalar.entrySet()) {
      if (whole.getKey().endsWith("whole")) {
        assertThat(scalar.get(whole.getKey().replace("whole", "chunked")))
            .as(whole.getKey())
            .isEqualTo(whole.getValue());
      }
    }
  }

  @Test
  void noResultIsNotANumber() {
    scalar.forEach(
        (name, result) -> {
          for (float value : result) {
            assertThat(value).as(name).isFinite();
          }
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyOperationHasTheSameBitsOnAnyNumberOfThreads(int threads) {
    Map<String, float[]> vector =
        KernelScenarios.run(new KernelSettings(KernelBackend.VECTOR, 0, threads));
    assertThat(vector.keySet()).isEqualTo(scalar.keySet());
    vector.forEach((name, result) -> assertThat(result).as(name).isEqualTo(scalar.get(name)));
  }

  /// More threads than processors, and than a product has pieces for.
  @Test
  void aProductHasTheSameBitsOnSixtyFourThreads() {
    RandomTensors random = new RandomTensors(64);
    List<Tensor> weights =
        List.of(
            random.tensor(ElementType.Q4_1, 1536, 576), random.tensor(ElementType.F16, 576, 576));
    for (int tokens : new int[] {1, 33}) {
      float[] x = random.floats(tokens * 576, 1f);
      float[] expected = product(new KernelSettings(KernelBackend.SCALAR, 0, 2), weights, x);
      assertThat(product(new KernelSettings(KernelBackend.VECTOR, 0, 64), weights, x))
          .isEqualTo(expected);
    }
  }

  private static float[] product(KernelSettings settings, List<Tensor> weights, float[] x) {
    try (Kernels kernels = Kernels.open(settings)) {
      PackedMatrix w = kernels.pack(weights);
      int tokens = x.length / w.cols();
      float[] y = new float[tokens * w.rows()];
      for (int i = 0; i < 2; i++) {
        Arrays.fill(y, Float.NaN);
        kernels.matmul(w, x, y, tokens);
      }
      return y;
    }
  }

  /// A JVM has one width; so each is tried in a JVM of its own.
  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void everyOperationHasTheSameBitsAtAnyWidth(int bits) throws IOException, InterruptedException {
    int widest = VectorShape.preferredShape().vectorBitSize();
    assumeTrue(
        bits <= widest, "this machine's vectors are narrower than the test needs: bits " + widest);
    List<String> digests =
        OwnJvm.run(KernelScenarios.class, List.of(), "VECTOR", String.valueOf(bits), "2");
    assertThat(digests)
        .containsExactlyElementsOf(
            scalar.entrySet().stream()
                .map(entry -> KernelScenarios.digest(entry.getKey(), entry.getValue()))
                .toList());
  }
}
