package dev.slabstream.sampling;

/// Chooses the tokens of one sequence. Used by the engine thread only; lives as long as the sequence.
///
/// **The order of things.** Each step works on what the one before left; probabilities are always those of the
/// candidates that are left, renormalised.
///
/// 1. `logitBias` is added. Negative infinity bans the token.
/// 2. Repetition penalty (Keskar et al., arXiv:1909.05858): the logit of every token that occurs in the prompt or in the
///    output so far is divided by the penalty if positive, else multiplied by it. How often it occurs does not matter.
/// 3. Frequency and presence penalty, as OpenAI defines them: `logit -= count * frequency + (count > 0 ? presence : 0)`,
///    where `count` is the number of occurrences in the output so far. The prompt does not count.
/// 4. Temperature 0 ends here: the largest logit, the lowest id among equals. Otherwise logits are divided by the temperature.
/// 5. `topK`: the k most likely.
/// 6. `topP` (Holtzman et al., arXiv:1904.09751): the most likely until their probabilities reach topP, the one that
///    reaches it included.
/// 7. `minP` (Nguyen et al., arXiv:2407.01082): those at least minP times as likely as the most likely one.
/// 8. `typicalP` (Meister et al., arXiv:2202.00666): the ones whose surprise `-log p` is nearest to the entropy, until
///    their probabilities reach typicalP, the one that reaches it included.
/// 9. One of the rest is drawn, by inverting the cumulative distribution in the order of ids with a uniform number that
///    is a function of (seed, index) alone.
///
/// Steps 2 to 8 are in the order of TGI (repetition, frequency, temperature, top_k, top_p, typical_p). What TGI lacks stands
/// where transformers has it: the bias before the penalties, min_p between top_p and typical_p. Unlike there, equals
/// at the border of a filter are not all kept: the lower ids come first, so that topK = k is never more than k.
public interface Sampler {
  /// A sampler for a sequence with this prompt (the repetition penalty counts its tokens).
  ///
  /// @throws IllegalArgumentException when the prompt or `logitBias` name an id outside the vocabulary, or every id is banned
  static Sampler of(SamplingParams params, int[] promptIds, int vocabSize) {
    return new SequenceSampler(params, promptIds, vocabSize);
  }

  /// Chooses output token number `index` (from 0); the penalties count what earlier calls chose, so call once for each
  /// token, in order. Does not change `logits`.
  ///
  /// @param logits the raw logits lie at `offset`, `vocabSize` of them; all finite
  /// @param argmax the lowest index of the largest logit
  /// @param logSumExp natural logarithm of the sum of exp(logit)
  SampledToken sample(float[] logits, int offset, int argmax, float logSumExp, int index);
}
