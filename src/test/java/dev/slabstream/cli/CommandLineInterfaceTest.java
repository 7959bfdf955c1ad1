package dev.slabstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineInterfaceTest {
  private static final String NO_MODEL = "src/test/resources/none.gguf";

  @Test
  void withoutArgumentsItServes() {
    Run run = Run.of();

    assertThat(run.exitCode()).isEmpty();
    assertThat(run.springArguments()).isEmpty();
  }

  @Test
  void settingsGoThroughToTheServiceAsTheyAre() {
    Run run = Run.of("--server.port=0", "--slabstream.kv-cache.size=1GB", "--debug");

    assertThat(run.exitCode()).isEmpty();
    assertThat(run.springArguments())
        .containsExactly("--server.port=0", "--slabstream.kv-cache.size=1GB", "--debug");
  }

  @Test
  void shortOptionsOfServeBecomeSettings() {
    Run run =
        Run.of(
            "serve",
            "--model",
            "a b.gguf",
            "--backend=vector",
            "--vector-bits=256",
            "--threads",
            "3",
            "--port=0",
            "--spring.main.lazy-initialization=true");

    assertThat(run.exitCode()).isEmpty();
    assertThat(run.springArguments())
        .containsExactly(
            "--slabstream.model.path=a b.gguf",
            "--slabstream.kernel.backend=vector",
            "--slabstream.kernel.vector-bits=256",
            "--slabstream.engine.threads=3",
            "--server.port=0",
            "--spring.main.lazy-initialization=true");
  }

  @Test
  void verboseStandsBeforeOrAfterTheCommand() {
    assertThat(Run.of("-v").springArguments())
        .containsExactly("--logging.level.dev.slabstream=debug");
    assertThat(Run.of("--verbose", "--server.port=0").springArguments())
        .containsExactly("--logging.level.dev.slabstream=debug", "--server.port=0");
    assertThat(Run.of("-v", "inspect", "-m", NO_MODEL).err()).contains("\tat ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--help", "-h", "--version", "serve --help", "bench --help"})
  void helpAndVersionAreShownAndEndTheProcess(String arguments) {
    Run run = Run.of(arguments.split(" "));

    assertThat(run.exitCode()).hasValue(0);
    assertThat(run.out()).contains("slabstream");
    assertThat(run.err()).isEmpty();
    assertThat(run.springArguments()).isEmpty();
  }

  @Test
  void theHelpListsEveryCommand() {
    assertThat(Run.of("--help").out())
        .contains("serve", "generate", "logits", "tokenize", "detokenize", "inspect", "bench");
  }

  @ParameterizedTest
  @CsvSource({
    "--modle x,                         unknown argument: --modle",
    "serve here,                        unknown argument: here",
    "genrate x,                         genrate",
    "tokenize --threads 3 x,            --threads",
    "bench --repetitions 0,             --repetitions must be from 1",
    "bench --gen x,                     x",
    "logits,                            --ids",
    "logits --ids 1 --prompt x,         mutually exclusive",
    "generate --vector-bits 64 x,       '--vector-bits must be auto, 128, 256 or 512; got 64'",
    "generate --threads -1 x,           --threads must be from 0",
    "generate --backend gpu x,          gpu"
  })
  void aWrongCommandLineIsToldInOneLine(String arguments, String message) {
    Run run = Run.of(arguments.split(" "));

    assertThat(run.exitCode()).hasValue(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("slabstream: ").contains(message);
    assertThat(run.out()).isEmpty();
    assertThat(run.springArguments()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate -m " + NO_MODEL + " x",
        "logits --ids 1 -m " + NO_MODEL,
        "tokenize -m " + NO_MODEL + " x",
        "detokenize -m " + NO_MODEL + " 1",
        "inspect -m " + NO_MODEL,
        "bench -m " + NO_MODEL
      })
  void aMissingModelIsToldInOneLine(String arguments) {
    Run run = Run.of(arguments.split(" "));

    assertThat(run.exitCode()).hasValue(1);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err())
        .startsWith("slabstream: ")
        .contains(NO_MODEL, "there is no such file or folder");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void verboseShowsWhereAnErrorCameFrom() {
    Run run = Run.of("inspect", "--verbose", "-m", NO_MODEL);

    assertThat(run.exitCode()).hasValue(1);
    assertThat(run.err()).contains("ModelUnusableException").contains("\tat ");
  }
}
