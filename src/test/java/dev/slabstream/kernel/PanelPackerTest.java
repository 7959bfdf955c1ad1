package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import dev.slabstream.kernel.PanelFormat.Codes;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PanelPackerTest {
  private static final int ROWS = 100;
  private static final int COLS = 512;

  private final Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 2));
  private final RandomTensors random = new RandomTensors(3);

  @AfterEach
  void close() {
    kernels.close();
  }

  /// Bytes are those of 32 rows and 512 inputs: of all codes, and of scales and minima.
  @ParameterizedTest
  @CsvSource({
    "F32, F32, 0, 65536, 0",
    "F16, F16, 0, 32768, 0",
    "BF16, BF16, 0, 32768, 0",
    "Q8_0, BYTE, 32, 16384, 1024",
    "Q4_0, NIBBLE, 32, 8192, 1024",
    "Q4_1, NIBBLE, 32, 8192, 2048",
    "Q5_0, BYTE, 32, 16384, 1024",
    "Q5_1, BYTE, 32, 16384, 2048",
    "Q4_K, NIBBLE, 32, 8192, 4096",
    "Q5_K, BYTE, 32, 16384, 4096",
    "Q6_K, BYTE, 16, 16384, 4096",
  })
  void everyFileTypeHasItsPanels(
      ElementType type, Codes codes, int groupElements, long codeBytes, long scaleBytes) {
    PackedPanels w = pack(random.tensor(type, ROWS, COLS));

    assertThat(w.numPanels()).isEqualTo(4);
    for (int panel = 0; panel < w.numPanels(); panel++) {
      PanelFormat format = w.partOf(panel).format();
      assertThat(format.codes()).isEqualTo(codes);
      assertThat(format.groupElements()).isEqualTo(groupElements);
    }
    assertThat(w.packedBytes()).isEqualTo(4 * (codeBytes + scaleBytes));
  }

  @Test
  void aPanelWithACodeThatFieldsCannotHoldIsPackedAsFloatsAndNoOther() {
    Tensor tensor = random.tensor(ElementType.Q8_0, ROWS, COLS);
    tensor.row(40).set(ValueLayout.JAVA_BYTE, tensor.type().blockBytes() + 2 + 17, (byte) -128);
    tensor.row(99).set(ValueLayout.JAVA_BYTE, 2, (byte) -128);

    PackedPanels w = pack(random.tensor(ElementType.F16, 33, COLS), tensor);

    assertThat(w.rows()).isEqualTo(133);
    assertThat(panelCodes(w))
        .containsExactly(Codes.F16, Codes.F16, Codes.BYTE, Codes.F32, Codes.BYTE, Codes.F32);
  }

  /// Codes as they come, a third of whose panels would overflow: the weights are the file's, and products are theirs.
  @Test
  void weightsOfEveryCodeAreThoseOfTheFile() {
    Tensor tensor = random.tensor(ElementType.Q8_0, ROWS, COLS);
    random.extremeCodes(tensor, 32, 64, -128);
    random.extremeCodes(tensor, 64, 100, -127);
    PackedPanels w = pack(tensor);
    int[] all = new int[ROWS];
    Arrays.setAll(all, i -> i);
    float[] rows = new float[ROWS * COLS];
    kernels.gatherRows(w, all, ROWS, rows);
    float[] x = random.floats(COLS, 1f);
    float[] y = new float[ROWS];
    kernels.matmul(w, x, y, 1);

    float[] weights = new float[COLS];
    for (int row = 0; row < ROWS; row++) {
      Dequantizer.row(tensor, row, weights);
      assertThat(Arrays.copyOfRange(rows, row * COLS, (row + 1) * COLS)).isEqualTo(weights);
      double expected = 0;
      double magnitude = 0;
      for (int k = 0; k < COLS; k++) {
        expected += (double) weights[k] * x[k];
        magnitude += Math.abs(weights[k] * x[k]);
      }
      assertThat((double) y[row]).as("row " + row).isCloseTo(expected, offset(magnitude * 0x1p-20));
    }
  }

  /// As many parts as an odd file can make: each panel is found.
  @Test
  void everyOtherPanelMayHaveAFormatOfItsOwn() {
    Tensor tensor = random.tensor(ElementType.Q8_0, 32 * 9, 32);
    for (int panel = 0; panel < 9; panel += 2) {
      tensor.row(panel * 32 + 5).set(ValueLayout.JAVA_BYTE, 3, (byte) -128);
    }
    PackedPanels w = pack(tensor);

    assertThat(panelCodes(w))
        .containsExactly(
            Codes.F32,
            Codes.BYTE,
            Codes.F32,
            Codes.BYTE,
            Codes.F32,
            Codes.BYTE,
            Codes.F32,
            Codes.BYTE,
            Codes.F32);
    for (int panel = 0; panel < 9; panel++) {
      assertThat(w.partOf(panel).firstRowOf(panel)).isEqualTo(32 * panel);
    }
  }

  private PackedPanels pack(Tensor... tensors) {
    return (PackedPanels) kernels.pack(List.of(tensors));
  }

  private static List<Codes> panelCodes(PackedPanels w) {
    return IntStream.range(0, w.numPanels())
        .mapToObj(panel -> w.partOf(panel).format().codes())
        .toList();
  }
}
