package dev.slabstream.model;

import dev.slabstream.model.GoldenFile.Case;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.model.TestSequence.Row;
import java.util.List;

/// How far the logits after a prompt are from the reference, in standard deviations of the reference's
/// logits: the worst of the rows compared.
///
/// @param rms root mean square of a row's differences
/// @param max the largest difference
record LogitErrors(double rms, double max) {
  static final LogitErrors NONE = new LogitErrors(0, 0);

  /// Compares every position of `golden` whose logits the reference has.
  static LogitErrors of(Loaded loaded, GoldenFile golden) {
    LogitErrors worst = NONE;
    for (Case each : golden.cases()) {
      float[] all = each.allPromptLogits();
      float[] last = each.lastPromptLogits();
      if (all == null && last == null) {
        continue;
      }
      List<Row> rows = rows(loaded, each.promptIds());
      for (int t = 0; all != null && t < rows.size(); t++) {
        float[] actual = rows.get(t).logits();
        worst = worst.and(ofRow(all, t * actual.length, actual));
      }
      if (last != null) {
        worst = worst.and(ofRow(last, 0, rows.getLast().logits()));
      }
    }
    return worst;
  }

  private static List<Row> rows(Loaded loaded, int[] prompt) {
    try (TestSequence sequence =
        new TestSequence(loaded.model(), loaded.slab(), prompt.length, prompt.length)) {
      return sequence.feed(prompt.length, LogitsFor.ALL, prompt);
    }
  }

  /// @param expected the row lies at `offset`
  static LogitErrors ofRow(float[] expected, int offset, float[] actual) {
    double mean = 0;
    for (int i = 0; i < actual.length; i++) {
      mean += expected[offset + i] / (double) actual.length;
    }
    double variance = 0;
    double squares = 0;
    double max = 0;
    for (int i = 0; i < actual.length; i++) {
      double fromMean = expected[offset + i] - mean;
      double difference = (double) expected[offset + i] - actual[i];
      variance += fromMean * fromMean;
      squares += difference * difference;
      max = Math.max(max, Math.abs(difference));
    }
    double deviation = Math.sqrt(variance / actual.length);
    return new LogitErrors(Math.sqrt(squares / actual.length) / deviation, max / deviation);
  }

  LogitErrors and(LogitErrors other) {
    return new LogitErrors(Math.max(rms, other.rms), Math.max(max, other.max));
  }
}
