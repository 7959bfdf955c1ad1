package dev.slabstream.cli;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParseResult;

/// The entrance of the jar: decides whether the process serves or runs one command, and runs it.
/// One instance runs once, on the calling thread.
public final class CommandLineInterface {
  private static final Set<String> NOT_SERVING = Set.of("-h", "--help", "-V", "--version");

  private final Console console;
  private final Consumer<String[]> server;

  /// @param server starts the service with Spring's arguments, and returns while it runs
  public CommandLineInterface(Console console, Consumer<String[]> server) {
    this.console = console;
    this.server = server;
  }

  /// Runs what the arguments say; no arguments, or options only, serve.
  ///
  /// @return the exit code, or nothing when the service runs now and keeps the process alive
  public OptionalInt run(String... args) {
    LogLevel logLevel = new LogLevel();
    ServeCommand serve = new ServeCommand(logLevel);
    CommandLine commandLine = new CommandLine(new Root(logLevel));
    commandLine.addSubcommand(serve);
    for (Object command :
        List.of(
            new GenerateCommand(console),
            new LogitsCommand(console),
            new TokenizeCommand(console),
            new DetokenizeCommand(console),
            new InspectCommand(console),
            new BenchCommand(console))) {
      commandLine.addSubcommand(command);
    }
    commandLine.setOut(console.out());
    commandLine.setErr(console.err());
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setExecutionExceptionHandler(new ErrorLine(console, logLevel));
    commandLine.setExecutionStrategy(
        parsed -> {
          ParseResult command = parsed.subcommand();
          boolean serves = command != null && command.commandSpec().userObject() == serve;
          if (console.ownsProcess() && !serves) {
            logLevel.apply();
          }
          return new CommandLine.RunLast().execute(parsed);
        });
    commandLine.setParameterExceptionHandler(
        (wrong, _) -> {
          console.err().println("slabstream: " + wrong.getMessage() + " (--help shows the usage)");
          return CliException.USAGE;
        });

    int exitCode = commandLine.execute(withCommand(args));
    console.out().flush();
    console.err().flush();
    if (!serve.isAsked() || exitCode != 0) {
      return OptionalInt.of(exitCode);
    }
    // Outside picocli, so that what Spring throws meets Spring's own handler.
    server.accept(serve.springArguments());
    return OptionalInt.empty();
  }

  private static String[] withCommand(String[] args) {
    boolean serves =
        Arrays.stream(args)
            .filter(arg -> !LogLevel.NAMES.contains(arg))
            .findFirst()
            .map(first -> first.startsWith("-") && !NOT_SERVING.contains(first))
            .orElse(true);
    return serves
        ? Stream.concat(Stream.of(ServeCommand.NAME), Arrays.stream(args)).toArray(String[]::new)
        : args;
  }

  @Command(
      name = "slabstream",
      description = "Serves a language model, or works with one on the command line.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class,
      synopsisSubcommandLabel = "[COMMAND]",
      footer = "%nWithout a command it serves. Each command has a --help of its own.")
  static final class Root implements Runnable {
    @Mixin private final LogLevel logLevel;

    Root(LogLevel logLevel) {
      this.logLevel = logLevel;
    }

    @Override
    public void run() {
      throw new CliException(CliException.USAGE, "a command is missing (--help lists them)");
    }
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = CommandLineInterface.class.getPackage().getImplementationVersion();
      return new String[] {"slabstream " + (version == null ? "(not packaged)" : version)};
    }
  }
}
