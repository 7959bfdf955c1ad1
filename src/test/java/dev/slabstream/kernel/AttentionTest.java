package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.slabstream.tensor.KvType;
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
              kernels,
              new RandomTensors(3),
              600,
              headDim,
              groupHeads,
              blockTokens,
              window,
              KvType.F32);
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

  /// Without room for the slots of partitions, whole sequences are the items of work: fewer pieces, the same bits.
  @ParameterizedTest
  @CsvSource({"64,3,16,0", "40,1,48,300"})
  void boundedMemoryForPartitionsChangesNoBit(
      int headDim, int groupHeads, int blockTokens, int window) {
    List<Integer> chunks = List.of(690, 1, 1, 5, 1, 1, 1);
    float[][] results = new float[2][];
    long[] bounds = {Attention.MAX_SLOT_FLOATS, 0};
    for (int i = 0; i < bounds.length; i++) {
      KernelInfo info = new KernelInfo(KernelBackend.SCALAR, 0, 3, true, "a test");
      try (Kernels kernels = new PanelKernels(info, new ScalarMath(), bounds[i]);
          Arena arena = Arena.ofShared()) {
        var fixture =
            new KernelScenarios.AttentionFixture(
                kernels,
                new RandomTensors(4),
                700,
                headDim,
                groupHeads,
                blockTokens,
                window,
                KvType.Q8);
        fixture.open(arena);
        results[i] = fixture.run(chunks);
      }
    }
    assertThat(results[1]).isEqualTo(results[0]);
  }
}
