package dev.slabstream.cli;

/// Ends a command with one line and an exit code.
final class CliException extends RuntimeException {
  /// The command line is wrong: picocli's own code for it.
  static final int USAGE = 2;

  private static final long serialVersionUID = 1L;

  private final int exitCode;

  CliException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
