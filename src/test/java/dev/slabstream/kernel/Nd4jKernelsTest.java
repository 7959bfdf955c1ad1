package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// The witness against the reference: two implementations that share no arithmetic agree within rounding.
class Nd4jKernelsTest {
  private static final Kernels ND4J = Kernels.open(new KernelSettings(KernelBackend.ND4J, 0, 1));
  private static final Kernels SCALAR =
      Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 1));

  private final RandomTensors random = new RandomTensors(11);

  @AfterAll
  static void close() {
    ND4J.close();
    SCALAR.close();
  }

  @Test
  void saysThatItIsNotDeterministic() {
    assertThat(ND4J.info().backend()).isEqualTo(KernelBackend.ND4J);
    assertThat(ND4J.info().deterministic()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void productsAndRowsAgree(ElementType type) {
    Tensor first = random.tensor(type, 33, 256);
    Tensor second = random.tensor(type, 7, 256);
    float[] x = random.floats(5 * 256, 1f);
    float[][] products = new float[2][5 * 40];
    float[][] rows = new float[2][3 * 256];
    for (int i = 0; i < 2; i++) {
      Kernels kernels = i == 0 ? ND4J : SCALAR;
      PackedMatrix w = kernels.pack(List.of(first, second));
      assertThat(w.rows()).isEqualTo(40);
      assertThat(w.cols()).isEqualTo(256);
      kernels.matmul(w, x, products[i], 5);
      kernels.gatherRows(w, new int[] {39, 0, 33}, 3, rows[i]);
    }
    assertClose(products[0], products[1], 1e-3f);
    assertThat(rows[0]).isEqualTo(rows[1]);
  }

  @Test
  void aWeightThatIsNotFiniteIsRefused() {
    Tensor tensor = random.tensor(ElementType.F32, 2, 32);
    tensor
        .data()
        .set(ValueLayout.JAVA_INT_UNALIGNED, 132, Float.floatToRawIntBits(Float.POSITIVE_INFINITY));
    assertThatThrownBy(() -> ND4J.pack(List.of(tensor)))
        .isInstanceOf(NonFiniteWeightException.class)
        .hasMessageContaining("byte 132");
  }

  @Test
  void normsAgree() {
    float[] x = random.floats(3 * 72, 4f);
    float[] weight = random.floats(72, 2f);
    float[] bias = random.floats(72, 2f);
    float[][] out = new float[2][3 * 72];
    ND4J.rmsNorm(x, weight, 1e-5f, out[0], 3, 72);
    SCALAR.rmsNorm(x, weight, 1e-5f, out[1], 3, 72);
    assertClose(out[0], out[1], 1e-4f);
    ND4J.layerNorm(x, weight, bias, 1e-5f, out[0], 3, 72);
    SCALAR.layerNorm(x, weight, bias, 1e-5f, out[1], 3, 72);
    assertClose(out[0], out[1], 1e-4f);
    float[] one = x.clone();
    float[] other = x.clone();
    ND4J.rmsNormHeads(one, 8, 72, weight, 1e-6f, 3, 2, 16);
    SCALAR.rmsNormHeads(other, 8, 72, weight, 1e-6f, 3, 2, 16);
    assertClose(one, other, 1e-4f);
  }

  @ParameterizedTest
  @EnumSource
  void rotationsAgree(RopePairing pairing) {
    float[] x = random.floats(3 * 72, 2f);
    float[] cos = random.floats(3 * 8, 1f);
    float[] sin = random.floats(3 * 8, 1f);
    float[] one = x.clone();
    float[] other = x.clone();
    ND4J.rope(one, 8, 72, cos, sin, pairing, 3, 4, 16);
    SCALAR.rope(other, 8, 72, cos, sin, pairing, 3, 4, 16);
    assertClose(one, other, 1e-5f);
    assertThat(one).isNotEqualTo(x);
  }

  @Test
  void activationsAndSumsAgree() {
    float[] gateUp = random.floats(3 * 2 * 40, 6f);
    float[][] out = new float[2][3 * 40];
    ND4J.swiGlu(gateUp, out[0], 3, 40);
    SCALAR.swiGlu(gateUp, out[1], 3, 40);
    assertClose(out[0], out[1], 1e-4f);
    float[] one = gateUp.clone();
    float[] other = gateUp.clone();
    ND4J.gelu(one, one.length);
    SCALAR.gelu(other, other.length);
    assertClose(one, other, 1e-4f);
    float[] bias = random.floats(40, 3f);
    ND4J.addBias(one, bias, 6, 40);
    SCALAR.addBias(other, bias, 6, 40);
    assertClose(one, other, 1e-4f);
    ND4J.add(one, gateUp, gateUp.length);
    SCALAR.add(other, gateUp, gateUp.length);
    assertClose(one, other, 1e-4f);
  }

  @Test
  void summariesAgree() {
    float[] logits = random.floats(1000, 9f);
    LogitsSummary one = ND4J.summarize(logits, 10, 900);
    LogitsSummary other = SCALAR.summarize(logits, 10, 900);
    assertThat(one.argmax()).isEqualTo(other.argmax());
    assertThat(one.max()).isEqualTo(other.max());
    assertThat(one.logSumExp()).isCloseTo(other.logSumExp(), offset(1e-4f));
    logits[500] = Float.NaN;
    assertThat(ND4J.summarize(logits, 10, 900).finite()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"0,F32", "20,F32", "0,F16", "20,F16", "0,Q8", "20,Q8"})
  void attentionAgreesOverStaleNumbers(int window, KvType type) {
    KvLayout layout = new KvLayout(2, 6, 2, 16, 16, type);
    int numHeads = 4;
    int stride = (numHeads + 2 * layout.numKvHeads()) * layout.headDim();
    // One sequence of 50 positions in two chunks, and one of 3, in blocks out of order.
    float[] first = random.floats(40 * stride, 1f);
    float[] second = random.floats(13 * stride, 1f);
    float[][] out = new float[2][13 * numHeads * layout.headDim()];
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < 2; i++) {
        Kernels kernels = i == 0 ? ND4J : SCALAR;
        MemorySegment slab = arena.allocate(layout.slabBytes(), 64);
        slab.fill((byte) 0xFF);
        int[] blocks = {4, 0, 5, 2};
        int keys = numHeads * layout.headDim();
        int values = keys + layout.numKvHeads() * layout.headDim();
        List<KvRun> chunk = List.of(new KvRun(blocks, 0, 40, 0));
        kernels.storeKv(first, keys, values, stride, slab, layout, 1, chunk);
        List<KvRun> runs =
            List.of(new KvRun(blocks, 0, 10, 40), new KvRun(new int[] {1}, 10, 3, 0));
        kernels.storeKv(second, keys, values, stride, slab, layout, 1, runs);
        kernels.attention(
            second, 0, stride, numHeads, 0.25f, window, slab, layout, 1, runs, out[i]);
      }
    }
    assertClose(out[0], out[1], 1e-5f);
  }

  private static void assertClose(float[] actual, float[] expected, float tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i])
          .as("element %d", i)
          .isCloseTo(expected[i], offset(tolerance * Math.max(1f, Math.abs(expected[i]))));
    }
  }
}
