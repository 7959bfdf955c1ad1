package dev.slabstream.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The one implementation; [Sampler] says what it does and in which order.
final class SequenceSampler implements Sampler {
  /// Sequences of a thread are sampled one after the other, so they share the working memory: about 4 MB for 150,000 tokens.
  private static final ThreadLocal<Candidates> CANDIDATES =
      ThreadLocal.withInitial(Candidates::new);

  private final SamplingParams params;
  private final int vocabSize;
  private final int[] biasIds;
  private final double[] biases;
  private final @Nullable TokenCounts counts;
  private final int[] topIds;

  SequenceSampler(SamplingParams params, int[] promptIds, int vocabSize) {
    this.params = params;
    this.vocabSize = vocabSize;
    Map<Integer, Double> logitBias = params.logitBias();
    biasIds = logitBias.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
    biases = Arrays.stream(biasIds).mapToDouble(logitBias::get).toArray();
    for (int id : biasIds) {
      requireInVocabulary(id, "logitBias");
    }
    if (Arrays.stream(biases).filter(bias -> bias == Double.NEGATIVE_INFINITY).count()
        == vocabSize) {
      throw new IllegalArgumentException(
          "logitBias bans every token of the vocabulary (" + vocabSize + ")");
    }
    counts = params.penalises() ? new TokenCounts(promptIds.length) : null;
    if (counts != null) {
      for (int id : promptIds) {
        requireInVocabulary(id, "the prompt");
        counts.addPrompt(id);
      }
    }
    topIds = new int[Math.min(params.topN(), vocabSize)];
  }

  @Override
  public SampledToken sample(float[] logits, int offset, int argmax, float logSumExp, int index) {
    int id = choose(logits, offset, argmax, index);
    if (counts != null) {
      counts.addOutput(id);
    }
    return new SampledToken(id, logits[offset + id] - logSumExp, top(logits, offset, logSumExp));
  }

  private int choose(float[] logits, int offset, int argmax, int index) {
    boolean adjusts = counts != null || biasIds.length > 0;
    if (params.temperature() == 0 && !adjusts) {
      return argmax;
    }
    Candidates candidates = CANDIDATES.get();
    candidates.load(logits, offset, vocabSize);
    for (int i = 0; i < biasIds.length; i++) {
      if (biases[i] == Double.NEGATIVE_INFINITY) {
        candidates.ban(biasIds[i]);
      } else {
        candidates.set(biasIds[i], candidates.logit(biasIds[i]) + biases[i]);
      }
    }
    if (counts != null) {
      counts.penalise(candidates, params);
    }
    if (params.temperature() == 0) {
      return candidates.mostLikely();
    }
    candidates.dropBanned();
    // Temperature keeps the order, so the few that topK leaves are all that need an exponential.
    candidates.keepTopK(params.topK());
    candidates.weigh(params.temperature());
    candidates.keepTopP(params.topP());
    candidates.keepMinP(params.minP());
    candidates.keepTypicalP(params.typicalP());
    return candidates.draw(CounterRandom.uniform(params.seed(), index));
  }

  /// One pass over the logits that keeps the best so far in a short sorted list: alternatives are few.
  private List<TokenLogprob> top(float[] logits, int offset, float logSumExp) {
    int limit = topIds.length;
    if (limit == 0) {
      return List.of();
    }
    int size = 0;
    for (int id = 0; id < vocabSize; id++) {
      float logit = logits[offset + id];
      if (size == limit && logit <= logits[offset + topIds[size - 1]]) {
        continue;
      }
      int place = size < limit ? size++ : size - 1;
      while (place > 0 && logits[offset + topIds[place - 1]] < logit) {
        topIds[place] = topIds[place - 1];
        place--;
      }
      topIds[place] = id;
    }
    List<TokenLogprob> top = new ArrayList<>(limit);
    for (int id : topIds) {
      top.add(new TokenLogprob(id, logits[offset + id] - logSumExp));
    }
    return top;
  }

  private void requireInVocabulary(int id, String where) {
    if (id < 0 || id >= vocabSize) {
      throw new IllegalArgumentException(
          "an id in "
              + where
              + " must be at least 0 and below the vocabulary size "
              + vocabSize
              + "; got "
              + id);
    }
  }
}
