package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttentionTest {
  /// Outputs are averages of values below 1.5; scores below 4 err by some 2^-22 in chains of 64, and so do the exponentials.
  private static final double TOLERANCE = 1.5 * 0x1p-18;

  @ParameterizedTest
  @CsvSource({"8,1,16,0", "64,3,16,0", "40,3,48,300", "16,4,16,20", "16,2,32,1"})
  void attentionEqualsItsDefinitionInDoublePrecision(
      int headDim, int groupHeads, int blockTokens, int window) {
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 2));
        Arena arena = Arena.ofShared()) {
      var fixture =
          new KernelScenarios.AttentionFixture(
              kernels, new RandomTensors(3), 600, headDim, groupHeads, blockTokens, window);
      fixture.open(arena);
      float[] actual = fixture.run(List.of(100, 1, 400, 99));
      double[] expected = fixture.expected();
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) actual[i])
            .as("element %d", i)
            .isCloseTo(expected[i], offset(TOLERANCE));
      }
    }
  }
}
