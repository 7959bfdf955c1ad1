package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.SlabstreamApplication;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The command line as a user meets it: a process, its exit code, what it writes where, and that it
/// starts no Spring.
class OwnProcessTest {
  private static final String LLAMA = "src/test/resources/reference/malformed/valid/llama.gguf";

  @TempDir private Path folder;

  @Test
  void aCommandWritesItsResultOnlyAndStartsNoSpring() throws Exception {
    int exitCode = start("tokenize", "-m", LLAMA, "--ids", "ab cd");

    assertThat(out())
        .isEqualToIgnoringNewLines(Run.of("tokenize", "-m", LLAMA, "--ids", "ab cd").out());
    assertThat(exitCode).isZero();
    assertThat(Files.readString(folder.resolve("classes")))
        .contains("dev.slabstream.cli.TokenizeCommand")
        .doesNotContain("org.springframework.boot.SpringApplication ");
  }

  @Test
  void aMalformedModelEndsWithOneLineAndAnExitCode() throws Exception {
    int exitCode =
        start("generate", "-m", "src/test/resources/reference/malformed/version-99.gguf", "x");

    assertThat(exitCode).isOne();
    assertThat(out()).isEmpty();
    assertThat(Files.readString(folder.resolve("err")).lines())
        .filteredOn(line -> !line.startsWith("WARNING: Using incubator modules"))
        .singleElement()
        .asString()
        .startsWith("slabstream: ")
        .endsWith("version-99.gguf, offset 4, version: expected 2 or 3; found 99");
  }

  private String out() throws IOException {
    return Files.readString(folder.resolve("out"));
  }

  private int start(String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--add-modules=jdk.incubator.vector");
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-Xlog:class+load:file=" + folder.resolve("classes"));
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(SlabstreamApplication.class.getName());
    command.addAll(List.of(args));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }
}
