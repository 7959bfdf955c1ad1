package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.model.OwnJvm;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Guards against cliffs of compilation, by ratios within a process of its own: see [KernelSpeed].
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class KernelSpeedTest {
  @Test
  void noKernelRunsAtAFractionOfItsSpeed() throws Exception {
    OwnJvm.Result result = run(120);
    assertThat(result.lines()).noneMatch(line -> line.startsWith("SLOW "));
    assertThat(result.exitCode()).as("%s", result.lines()).isZero();
    assertThat(result.lines()).filteredOn(line -> line.startsWith("ok ")).hasSizeGreaterThan(40);
  }

  /// What it looks like when C2 stops inlining: the guard sees it, with time enough to compile what can be.
  @Test
  void codeThatIsNotInlinedIsFound() throws Exception {
    OwnJvm.Result result = run(10, "-XX:MaxInlineLevel=1");
    assertThat(result.lines())
        .filteredOn(line -> line.startsWith("SLOW "))
        .anyMatch(line -> line.contains("product of F16, tokens 1:"));
    assertThat(result.exitCode()).isOne();
  }

  private static OwnJvm.Result run(int limitSeconds, String... flags)
      throws IOException, InterruptedException {
    return OwnJvm.runToAnyEnd(KernelSpeed.class, List.of(flags), String.valueOf(limitSeconds));
  }
}
