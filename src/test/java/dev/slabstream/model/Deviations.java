package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.model.GoldenFile.Case;
import dev.slabstream.model.GoldenFile.Step;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.model.TestSequence.Row;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/// Runs a model along a golden case, compares, and keeps the largest differences and a digest of
/// all logits.
///
/// The tokens of the reference are fed, whatever the model would have said: so every step is
/// compared, also those behind a near tie.
final class Deviations {
  private final MessageDigest digest;
  private int numCases;
  private int numSteps;
  private int numNearTies;
  private double maxLogitDifference;
  private double maxLogprobDifference;

  Deviations() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Compares `cases` of `golden`.
  void compare(Loaded loaded, GoldenFile golden, List<Case> cases) {
    for (Case each : cases) {
      compare(loaded, golden, each);
    }
  }

  private void compare(Loaded loaded, GoldenFile golden, Case expected) {
    String name = golden + ", " + expected;
    int[] prompt = expected.promptIds();
    int maxTokens = prompt.length + expected.steps().size();
    try (TestSequence sequence =
        new TestSequence(loaded.model(), loaded.slab(), maxTokens, prompt.length)) {
      boolean all = expected.allPromptLogits() != null;
      List<Row> rows = sequence.feed(prompt.length, all ? LogitsFor.ALL : LogitsFor.LAST, prompt);
      rows.forEach(this::digest);
      Row row = rows.getLast();
      compareLogits(name, golden.tolerance(), expected, rows);
      for (int i = 0; i < expected.steps().size(); i++) {
        Step step = expected.steps().get(i);
        compareStep(name + ", step " + i, golden.tolerance(), step, row);
        if (i < expected.steps().size() - 1) {
          row = sequence.feed(1, step.id());
          digest(row);
        }
      }
    }
    numCases++;
  }

  private void compareLogits(String name, double tolerance, Case expected, List<Row> rows) {
    float[] last = expected.lastPromptLogits();
    if (last != null) {
      compareRow(name + ", last prompt logits", tolerance, last, 0, rows.getLast().logits());
    }
    float[] all = expected.allPromptLogits();
    if (all != null) {
      assertThat(rows).hasSize(expected.promptIds().length);
      for (int t = 0; t < rows.size(); t++) {
        float[] actual = rows.get(t).logits();
        compareRow(name + ", logits of position " + t, tolerance, all, t * actual.length, actual);
      }
    }
  }

  private void compareRow(
      String name, double tolerance, float[] expected, int offset, float[] actual) {
    for (int i = 0; i < actual.length; i++) {
      double difference = Math.abs((double) expected[offset + i] - actual[i]);
      if (!(difference <= tolerance)) {
        assertThat((double) actual[i])
            .as("%s, id %d", name, i)
            .isCloseTo(expected[offset + i], within(tolerance));
      }
      maxLogitDifference = Math.max(maxLogitDifference, difference);
    }
  }

  private void compareStep(String name, double tolerance, Step step, Row row) {
    assertThat(row.summary().finite()).as(name).isTrue();
    compareLogprob(name, tolerance, row, step.id(), step.logprob());
    for (GoldenFile.Candidate candidate : step.top()) {
      compareLogprob(name, tolerance, row, candidate.id(), candidate.logprob());
    }
    if (step.gap() >= GoldenFile.MIN_GAP) {
      assertThat(row.summary().argmax())
          .as("%s: greedy token, gap %s", name, step.gap())
          .isEqualTo(step.id());
    } else {
      numNearTies++;
    }
    numSteps++;
  }

  private void compareLogprob(String name, double tolerance, Row row, int id, double expected) {
    double difference = Math.abs(row.logprob(id) - expected);
    assertThat(difference)
        .as("%s: difference of the log-probability of id %d", name, id)
        .isLessThanOrEqualTo(tolerance);
    maxLogprobDifference = Math.max(maxLogprobDifference, difference);
  }

  private void digest(Row row) {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * row.logits().length + Float.BYTES);
    bytes.asFloatBuffer().put(row.logits()).put(row.summary().logSumExp());
    digest.update(bytes);
  }

  /// SHA-256 of the bits of all logits so far, and of the logarithms of their sums.
  String digest() {
    return HexFormat.of().formatHex(digest.digest());
  }

  int numCases() {
    return numCases;
  }

  double maxLogitDifference() {
    return maxLogitDifference;
  }

  double maxLogprobDifference() {
    return maxLogprobDifference;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%d cases, %d steps (%d near ties), largest difference of a logit %.2e, of a log-probability %.2e",
        numCases,
        numSteps,
        numNearTies,
        maxLogitDifference,
        maxLogprobDifference);
  }
}
