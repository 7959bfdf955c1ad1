package dev.slabstream.sampling;

import java.util.Map;

/// How the next token is chosen. Valid by construction: what a user sent is checked before, with the names of the API.
///
/// @param temperature 0 = greedy; otherwise logits are divided by it
/// @param topK 0 = off
/// @param topP 1 = off
/// @param minP 0 = off
/// @param typicalP 1 = off
/// @param repetitionPenalty 1 = off (Keskar et al., arXiv:1909.05858)
/// @param frequencyPenalty 0 = off
/// @param presencePenalty 0 = off
/// @param logitBias added to the logits of these ids; negative infinity bans an id
/// @param seed the choice of output token `i` is a function of (seed, i)
/// @param topN how many alternatives to report with each token
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    double repetitionPenalty,
    double frequencyPenalty,
    double presencePenalty,
    Map<Integer, Double> logitBias,
    long seed,
    int topN) {
  public SamplingParams {
    require(
        temperature >= 0 && Double.isFinite(temperature),
        "temperature",
        "finite and at least 0",
        temperature);
    require(topK >= 0, "topK", "at least 0", topK);
    require(topP > 0 && topP <= 1, "topP", "over 0 and at most 1", topP);
    require(minP >= 0 && minP <= 1, "minP", "between 0 and 1", minP);
    require(typicalP > 0 && typicalP <= 1, "typicalP", "over 0 and at most 1", typicalP);
    require(
        repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
        "repetitionPenalty",
        "finite and over 0",
        repetitionPenalty);
    require(Double.isFinite(frequencyPenalty), "frequencyPenalty", "finite", frequencyPenalty);
    require(Double.isFinite(presencePenalty), "presencePenalty", "finite", presencePenalty);
    require(topN >= 0, "topN", "at least 0", topN);
    logitBias = Map.copyOf(logitBias);
    logitBias.forEach(
        (id, bias) -> {
          require(id >= 0, "an id in logitBias", "at least 0", id);
          require(
              bias < Double.POSITIVE_INFINITY,
              "logitBias of " + id,
              "finite or negative infinity",
              bias);
        });
  }

  public static SamplingParams greedy() {
    return new SamplingParams(0, 0, 1, 0, 1, 1, 0, 0, Map.of(), 0, 0);
  }

  boolean penalises() {
    return repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0;
  }

  private static void require(boolean holds, String name, String limit, Number value) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + limit + "; got " + value);
    }
  }
}
