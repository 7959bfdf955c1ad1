package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Guards against cliffs of compilation, by ratios within a process of its own: see [KernelSpeed].
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class KernelSpeedTest {
  @Test
  void noKernelRunsAtAFractionOfItsSpeed() throws Exception {
    Result result = run(120);
    assertThat(result.lines).noneMatch(line -> line.startsWith("SLOW "));
    assertThat(result.exitCode).as("%s", result.lines).isZero();
    assertThat(result.lines).filteredOn(line -> line.startsWith("ok ")).hasSizeGreaterThan(40);
  }

  /// What it looks like when C2 stops inlining: the guard sees it, with time enough to compile what can be.
  @Test
  void codeThatIsNotInlinedIsFound() throws Exception {
    Result result = run(10, "-XX:MaxInlineLevel=1");
    assertThat(result.lines)
        .filteredOn(line -> line.startsWith("SLOW "))
        .anyMatch(line -> line.contains("product of F16, tokens 1:"));
    assertThat(result.exitCode).isOne();
  }

  private record Result(int exitCode, List<String> lines) {}

  private static Result run(int limitSeconds, String... flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.add("--add-modules=jdk.incubator.vector");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Xmx512m");
    command.addAll(List.of(flags));
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            KernelSpeed.class.getName(),
            String.valueOf(limitSeconds)));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<String> lines;
    try (BufferedReader out = process.inputReader()) {
      lines = out.lines().toList();
    }
    return new Result(process.waitFor(), lines);
  }
}
