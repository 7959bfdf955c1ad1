package dev.slabstream.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What the golden tests compared, in the log and under `target/golden-reports`.
final class GoldenReport {
  private static final Logger LOG = System.getLogger(GoldenReport.class.getName());

  private final String name;
  private final List<String> lines = new ArrayList<>();
  private int numFiles;
  private int numCases;
  private double maxLogitDifference;
  private double maxLogprobDifference;

  GoldenReport(String name) {
    this.name = name;
  }

  void add(Object backend, GoldenFile golden, Deviations found) {
    lines.add(String.format(Locale.ROOT, "%-8s %-18s %s", backend, golden, found));
    numFiles++;
    numCases += found.numCases();
    maxLogitDifference = Math.max(maxLogitDifference, found.maxLogitDifference());
    maxLogprobDifference = Math.max(maxLogprobDifference, found.maxLogprobDifference());
  }

  void write() {
    String summary =
        String.format(
            Locale.ROOT,
            "%s: %d golden files (backends counted each), %d cases, largest difference of a logit %.2e, of a"
                + " log-probability %.2e",
            name,
            numFiles,
            numCases,
            maxLogitDifference,
            maxLogprobDifference);
    lines.add(summary);
    LOG.log(Level.INFO, summary);
    try {
      Path folder = Files.createDirectories(Path.of("target/golden-reports"));
      Files.write(folder.resolve(name + ".txt"), lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
