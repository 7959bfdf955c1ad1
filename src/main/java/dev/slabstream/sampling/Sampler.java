package dev.slabstream.sampling;

/// Chooses the tokens of one sequence. Used by the engine thread only; lives as long as the sequence.
public interface Sampler {
  /// A sampler for a sequence with this prompt (penalties count its tokens where their definition says so).
  static Sampler of(SamplingParams params, int[] promptIds, int vocabSize) {
    throw new IllegalStateException("no sampler for " + params + " over " + vocabSize);
  }

  /// Chooses output token number `index` (from 0). Does not change `logits`.
  ///
  /// @param logits the raw logits lie at `offset`, `vocabSize` of them; all finite
  /// @param argmax the lowest index of the largest logit
  /// @param logSumExp natural logarithm of the sum of exp(logit)
  SampledToken sample(float[] logits, int offset, int argmax, float logSumExp, int index);
}
