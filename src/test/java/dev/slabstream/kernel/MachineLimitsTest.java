package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The probe for the machine's limits. Times are not asserted, only what they must be to each other.
class MachineLimitsTest {
  /// More than any machine, in 10^9 per second.
  private static final double BEYOND_ANY_MACHINE = 1e6;

  @ParameterizedTest
  @EnumSource(names = {"SCALAR", "VECTOR"})
  void bothBackendsComputeTheSameChains(KernelBackend backend) {
    PanelMath math = KernelChoice.mathOf(info(backend));

    assertThat(math.fmaChains(0)).isZero();
    // 0, 1, 1.5, 1.75 in each of the chains.
    assertThat(math.fmaChains(3)).isEqualTo(1.75f * PanelMath.FMA_CHAINS);
  }

  @Test
  void measuresSpeedsThatAMachineCanHave() {
    MachineLimits limits = MachineLimits.measure(info(KernelBackend.SCALAR));

    assertThat(limits.medianMemoryGigabytesPerSecond())
        .isBetween(0.01, limits.memoryGigabytesPerSecond());
    assertThat(limits.medianFmaGigaflops()).isBetween(0.01, limits.fmaGigaflops());
    assertThat(limits.memoryGigabytesPerSecond()).isBetween(0.01, BEYOND_ANY_MACHINE);
    assertThat(limits.fmaGigaflops()).isBetween(0.01, BEYOND_ANY_MACHINE);
  }

  /// A vector of eight lanes that were no more than twice as fast as one lane would not be in a
  /// register: the peak would be wrong, and every share of it.
  @Test
  void thePeakOfTheVectorBackendIsThatOfVectors() {
    KernelInfo vector = info(KernelBackend.VECTOR);
    assumeThat(KernelChoice.mathOf(vector).vectorBits())
        .as("this machine's vectors are narrower than the test needs: bits")
        .isGreaterThanOrEqualTo(256);

    double scalarPeak = MachineLimits.measure(info(KernelBackend.SCALAR)).fmaGigaflops();
    double vectorPeak = MachineLimits.measure(vector).fmaGigaflops();

    assertThat(vectorPeak / scalarPeak).isGreaterThan(2);
  }

  private static KernelInfo info(KernelBackend backend) {
    return new KernelInfo(backend, 0, 2, true, "asked for by the test");
  }
}
