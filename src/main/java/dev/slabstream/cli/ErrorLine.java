package dev.slabstream.cli;

import dev.slabstream.config.ModelUnusableException;
import dev.slabstream.generation.GenerationException;
import dev.slabstream.weights.MalformedModelException;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/// Says in one line what went wrong. A stack trace is shown for `--verbose` only.
final class ErrorLine implements IExecutionExceptionHandler {
  private static final int FAILED = 1;

  /// `EX_SOFTWARE` of BSD's sysexits: our fault, not the user's.
  private static final int INTERNAL = 70;

  private final Console console;
  private final LogLevel logLevel;

  ErrorLine(Console console, LogLevel logLevel) {
    this.console = console;
    this.logLevel = logLevel;
  }

  @Override
  public int handleExecutionException(
      Exception failure, CommandLine commandLine, ParseResult parseResult) {
    boolean expected = isExpected(failure);
    String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    console
        .err()
        .println(
            "slabstream: "
                + (expected ? message : "internal error: " + failure + " (--verbose shows where)"));
    if (logLevel.isVerbose()) {
      failure.printStackTrace(console.err());
    }
    console.err().flush();
    if (failure instanceof CliException cli) {
      return cli.exitCode();
    }
    return expected ? FAILED : INTERNAL;
  }

  /// Whether the message alone tells the user what to change.
  private static boolean isExpected(Exception failure) {
    return switch (failure) {
      case CliException _ -> true;
      case MalformedModelException _ -> true;
      case ModelUnusableException _ -> true;
      case GenerationException _ -> true;
      case UncheckedIOException _ -> true;
      // A backend or a vector width that this JVM has not, a slab that does not fit.
      case IllegalStateException _ -> true;
      case IllegalArgumentException _ -> true;
      default -> false;
    };
  }
}
