package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Runs the `main` of a test in a JVM of its own, with the launcher's flags: for what depends on those or on what it has compiled before.
public final class OwnJvm {
  /// How it ended, and the lines that it printed.
  public record Result(int exitCode, List<String> lines) {}

  private OwnJvm() {}

  /// Runs it with `arguments` and returns the lines that it prints; fails unless it ends well.
  public static List<String> run(Class<?> main, List<String> flags, String... arguments)
      throws IOException, InterruptedException {
    Result result = runToAnyEnd(main, flags, arguments);
    assertThat(result.exitCode).as("exit code; it printed %s", result.lines).isZero();
    return result.lines;
  }

  /// Runs it with `arguments`, however it ends.
  public static Result runToAnyEnd(Class<?> main, List<String> flags, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.add("--add-modules=jdk.incubator.vector");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-XX:-UseFPUForSpilling");
    command.add("-Xmx512m");
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    List<String> lines;
    try (BufferedReader out = process.inputReader()) {
      lines = out.lines().toList();
    }
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return new Result(process.exitValue(), lines);
  }
}
