package dev.slabstream.cli;

import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Results for the eye, in Markdown, row by row as they come.
final class BenchTable {
  private static final String ROW = "| %-20s | %9s | %9s | %9s | %7s | %6s | %8s | %8s | %8s |%n";

  private final PrintWriter out;

  BenchTable(PrintWriter out) {
    this.out = out;
  }

  /// @param report its results are not looked at
  void printHeader(BenchReport report) {
    print(
        "%s: %.1f M parameters, %s, %.1f MB in the file; cache of type %s%n",
        report.name(),
        report.parameters() / 1e6,
        report.weightType(),
        report.weightsBytes() / 1e6,
        report.cacheType());
    print(
        "%s, %d bits, %d threads; limits of this machine: memory %.1f GB/s, FMA %.0f GFLOP/s%n",
        report.backend(),
        report.vectorBits(),
        report.threads(),
        report.memoryGigabytesPerSecond(),
        report.fmaGigaflops());
    print(
        "a token reads %.1f MB of packed weights, and %.1f KB for each position in the cache:"
            + " at most %.0f tokens/s of one short sequence%n%n",
        report.packedBytes() / 1e6,
        report.kvBytesPerPosition() / 1e3,
        report.memoryGigabytesPerSecond() * 1e9 / report.packedBytes());
    print(ROW, "test", "tokens/s", "min", "max", "± MAD", "GB/s", "% memory", "GFLOP/s", "% FMA");
    print(
        "|%s|%s:|%s:|%s:|%s:|%s:|%s:|%s:|%s:|%n",
        "-".repeat(22),
        "-".repeat(10),
        "-".repeat(10),
        "-".repeat(10),
        "-".repeat(8),
        "-".repeat(7),
        "-".repeat(9),
        "-".repeat(9),
        "-".repeat(9));
    out.flush();
  }

  void printRow(BenchReport.Row row) {
    print(
        ROW,
        row.test(),
        decimals(2, row.tokensPerSecond()),
        decimals(2, row.min()),
        decimals(2, row.max()),
        decimals(2, row.medianAbsoluteDeviation()),
        decimals(1, row.gigabytesPerSecond()),
        percent(row.memoryShare()),
        decimals(1, row.gigaflops()),
        percent(row.fmaShare()));
    out.flush();
  }

  /// What is to be said of the report, once all rows are there.
  void printNotes(BenchReport report) {
    report.notes().forEach(note -> print("%nNote: %s%n", note));
    out.flush();
  }

  private void print(String format, Object... values) {
    out.printf(Locale.ROOT, format, values);
  }

  private static String decimals(int count, @Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%." + count + "f", value);
  }

  private static String percent(@Nullable Double share) {
    return share == null ? "" : decimals(1, 100 * share);
  }
}
