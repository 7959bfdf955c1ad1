package dev.slabstream.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/// The filters as their papers state them: plain lists, sorted whole, `StrictMath`. Slow, and independent of [Candidates].
final class ReferenceSampling {
  record Candidate(int id, double logit, double probability) {}

  private ReferenceSampling() {}

  /// The candidates that are left after all steps, ascending by id, with renormalised probabilities.
  static List<Candidate> distribution(double[] logits, SamplingParams params) {
    List<Candidate> all = new ArrayList<>();
    for (int id = 0; id < logits.length; id++) {
      if (logits[id] != Double.NEGATIVE_INFINITY) {
        all.add(new Candidate(id, logits[id] / params.temperature(), 0));
      }
    }
    all = softmax(all);
    if (params.topK() > 0) {
      all = softmax(sorted(all, c -> -c.logit()).subList(0, Math.min(params.topK(), all.size())));
    }
    if (params.topP() < 1) {
      all = softmax(untilMass(sorted(all, c -> -c.logit()), params.topP()));
    }
    // 0 log 0 is 0: what cannot be drawn has no part in the entropy.
    all = all.stream().filter(c -> c.probability() > 0).toList();
    double best = all.stream().mapToDouble(Candidate::probability).max().orElseThrow();
    all = softmax(all.stream().filter(c -> c.probability() >= params.minP() * best).toList());
    if (params.typicalP() < 1) {
      double entropy =
          all.stream().mapToDouble(c -> -c.probability() * StrictMath.log(c.probability())).sum();
      all =
          softmax(
              untilMass(
                  sorted(all, c -> Math.abs(-StrictMath.log(c.probability()) - entropy)),
                  params.typicalP()));
    }
    return sorted(all, Candidate::id);
  }

  static double[] adjust(
      float[] logits, SamplingParams params, int[] promptIds, List<Integer> output) {
    double[] adjusted = new double[logits.length];
    for (int id = 0; id < logits.length; id++) {
      final int token = id;
      double logit = (float) (logits[id] + params.logitBias().getOrDefault(id, 0.0));
      boolean inPrompt = Arrays.stream(promptIds).anyMatch(p -> p == token);
      long count = output.stream().filter(o -> o == token).count();
      if (inPrompt || count > 0) {
        logit = logit > 0 ? logit / params.repetitionPenalty() : logit * params.repetitionPenalty();
      }
      logit -= count * params.frequencyPenalty();
      logit -= count > 0 ? params.presencePenalty() : 0;
      adjusted[id] = (float) logit;
    }
    return adjusted;
  }

  private static List<Candidate> sorted(
      List<Candidate> candidates, ToDoubleFunction<Candidate> score) {
    return candidates.stream()
        .sorted(Comparator.comparingDouble(score).thenComparingInt(Candidate::id))
        .toList();
  }

  private static List<Candidate> untilMass(List<Candidate> candidates, double mass) {
    double reached = 0;
    int kept = 0;
    while (kept < candidates.size() && reached < mass) {
      reached += candidates.get(kept++).probability();
    }
    return candidates.subList(0, kept);
  }

  private static List<Candidate> softmax(List<Candidate> candidates) {
    double max = candidates.stream().mapToDouble(Candidate::logit).max().orElseThrow();
    double total = candidates.stream().mapToDouble(c -> StrictMath.exp(c.logit() - max)).sum();
    return candidates.stream()
        .map(c -> new Candidate(c.id(), c.logit(), StrictMath.exp(c.logit() - max) / total))
        .toList();
  }
}
