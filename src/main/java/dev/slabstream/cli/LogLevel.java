package dev.slabstream.cli;

import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// How much is logged, to standard error: warnings, or with `--verbose` also what is loaded and
/// chosen.
///
/// Two logging systems are behind it, as there is no Spring to join them: `java.util.logging` under
/// the core packages, Logback under ND4J. The latter reads its configuration when its first logger
/// is made.
final class LogLevel {
  private static final String LOGBACK_FILE = "logback.configurationFile";
  private static final String LOGBACK_LEVEL = "slabstream.cli.log-level";

  static final Set<String> NAMES = Set.of("-v", "--verbose");

  private boolean verbose;

  @Option(
      names = {"-v", "--verbose"},
      scope = ScopeType.INHERIT,
      description = "Log what is loaded and chosen, and show stack traces.")
  void setVerbose(boolean newVerbose) {
    verbose = newVerbose;
  }

  boolean isVerbose() {
    return verbose;
  }

  void apply() {
    if (System.getProperty(LOGBACK_FILE) == null) {
      System.setProperty(LOGBACK_FILE, "logback-cli.xml");
    }
    System.setProperty(LOGBACK_LEVEL, verbose ? "INFO" : "WARN");
    System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tT %4$s: %5$s%6$s%n");
    Logger.getLogger("").setLevel(verbose ? Level.INFO : Level.WARNING);
  }
}
