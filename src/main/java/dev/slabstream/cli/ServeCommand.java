package dev.slabstream.cli;

import dev.slabstream.kernel.KernelBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/// Turns the arguments of `serve` into Spring's. Options with a dot in their name are settings and
/// go through as they are.
@Command(
    name = ServeCommand.NAME,
    description = "Serves the model over HTTP; the default command.",
    mixinStandardHelpOptions = true,
    footer =
        "%nEvery setting can be given as well: --server.port=8081 --slabstream.kv-cache.size=2GB")
final class ServeCommand implements Callable<Integer> {
  static final String NAME = "serve";

  private static final Pattern SPRING_OPTION =
      Pattern.compile("--(debug|trace|[\\w-]+(\\[[^]]*])?(\\.[^=\\s]+)+)(=.*)?", Pattern.DOTALL);

  @Option(names = "--model", paramLabel = "PATH", description = "GGUF file or Hugging Face folder.")
  private @Nullable String model;

  @Option(names = "--backend", description = "Kernels: ${COMPLETION-CANDIDATES}.")
  private @Nullable KernelBackend backend;

  @Option(names = "--vector-bits", paramLabel = "N", description = "auto, 128, 256 or 512.")
  private @Nullable String vectorBits;

  @Option(names = "--threads", paramLabel = "N", description = "Threads that compute.")
  private @Nullable Integer threads;

  @Option(names = "--port", paramLabel = "N", description = "Port to listen on.")
  private @Nullable Integer port;

  @Unmatched private List<String> others = new ArrayList<>();

  private final LogLevel logLevel;
  private boolean asked;

  ServeCommand(LogLevel logLevel) {
    this.logLevel = logLevel;
  }

  /// Whether this was the command, and its arguments were right.
  boolean isAsked() {
    return asked;
  }

  @Override
  public Integer call() {
    for (String other : others) {
      if (!SPRING_OPTION.matcher(other).matches()) {
        throw new CliException(
            CliException.USAGE,
            "unknown argument: " + other + " (settings are written --slabstream.name=value)");
      }
    }
    asked = true;
    return 0;
  }

  String[] springArguments() {
    List<String> arguments = new ArrayList<>();
    add(arguments, "slabstream.model.path", model);
    add(
        arguments,
        "slabstream.kernel.backend",
        backend == null ? null : backend.name().toLowerCase(Locale.ROOT));
    add(arguments, "slabstream.kernel.vector-bits", vectorBits);
    add(arguments, "slabstream.engine.threads", threads);
    add(arguments, "server.port", port);
    add(arguments, "logging.level.dev.slabstream", logLevel.isVerbose() ? "debug" : null);
    arguments.addAll(others);
    return arguments.toArray(String[]::new);
  }

  private static void add(List<String> arguments, String setting, @Nullable Object value) {
    if (value != null) {
      arguments.add("--" + setting + "=" + value);
    }
  }
}
