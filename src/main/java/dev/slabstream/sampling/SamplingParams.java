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
/// @param logitBias added to the logits of these ids
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
    logitBias = Map.copyOf(logitBias);
  }

  public static SamplingParams greedy() {
    return new SamplingParams(0, 0, 1, 0, 1, 1, 0, 0, Map.of(), 0, 0);
  }
}
