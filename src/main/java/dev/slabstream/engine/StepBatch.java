package dev.slabstream.engine;

import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.model.LogitsFor;
import dev.slabstream.model.LogitsSink;
import dev.slabstream.model.Slice;
import dev.slabstream.sampling.SampledToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one step computes, and what comes of it: a slice per sequence and, where the slice ends with the sequence's last known
/// token, the token sampled after it. One object serves all steps.
///
/// As the sink of the forward pass it samples right where the logits are, so that they need not be kept. What a sampler throws is
/// kept with its sequence: the others' results stand.
final class StepBatch implements LogitsSink {
  private final List<Sequence> sequences = new ArrayList<>();
  private final List<Slice> slices = new ArrayList<>();
  private final @Nullable SampledToken[] sampled;
  private final @Nullable Throwable[] failures;
  private final Heartbeat heartbeat;
  private int numTokens;
  private int numPromptTokens;
  private int numCachedTokens;

  /// @param heartbeat beats with every layer and every row of logits
  StepBatch(int maxSequences, Heartbeat heartbeat) {
    this.heartbeat = heartbeat;
    sampled = new SampledToken[maxSequences];
    failures = new Throwable[maxSequences];
  }

  void clear() {
    for (int i = 0; i < sequences.size(); i++) {
      sampled[i] = null;
      failures[i] = null;
    }
    sequences.clear();
    slices.clear();
    numTokens = 0;
    numPromptTokens = 0;
    numCachedTokens = 0;
  }

  /// Takes what is cached of the prompt of `sequence`.
  void takeCached(Sequence sequence) {
    numCachedTokens += sequence.takeCached();
  }

  /// Whether a sequence of this step computes the block that `sequence` comes to next, so that the next step may find it published.
  boolean computesNextBlockOf(Sequence sequence) {
    for (int i = 0; i < sequences.size(); i++) {
      Slice slice = slices.get(i);
      if (sequence.awaits(sequences.get(i), slice.from(), slice.count())) {
        return true;
      }
    }
    return false;
  }

  /// The next `count` tokens of `sequence` are computed in this step; takes the blocks for them.
  void add(Sequence sequence, int count) {
    sequence.lease().extend(count);
    int from = sequence.numComputedTokens();
    slices.add(
        new Slice(
            sequence.lease(), sequence.ids(), from, count, logitsFor(sequence, from + count)));
    sequences.add(sequence);
    numTokens += count;
    if (!sequence.isDecoding()) {
      numPromptTokens += count;
    }
  }

  private static LogitsFor logitsFor(Sequence sequence, int end) {
    if (sequence.promptLogprobs() != null && !sequence.isDecoding()) {
      return LogitsFor.ALL;
    }
    return end == sequence.numTokens() ? LogitsFor.LAST : LogitsFor.NONE;
  }

  @Override
  public void layerDone() {
    heartbeat.beat();
  }

  @Override
  public void accept(int slice, int token, float[] logits, int offset, LogitsSummary summary) {
    heartbeat.beat();
    if (failures[slice] != null) {
      return;
    }
    Sequence sequence = sequences.get(slice);
    int position = slices.get(slice).from() + token;
    if (!summary.finite()) {
      failures[slice] = new NonFiniteLogitsException(position);
      return;
    }
    float[] promptLogprobs = sequence.promptLogprobs();
    if (promptLogprobs != null && position + 1 < promptLogprobs.length) {
      int next = sequence.ids()[position + 1];
      promptLogprobs[position + 1] = logits[offset + next] - summary.logSumExp();
    }
    if (position + 1 == sequence.numTokens()) {
      try {
        sampled[slice] =
            sequence
                .sampler()
                .sample(
                    logits,
                    offset,
                    summary.argmax(),
                    summary.logSumExp(),
                    sequence.numGeneratedTokens());
      } catch (Throwable e) {
        failures[slice] = e;
      }
    }
  }

  List<Slice> slices() {
    return slices;
  }

  int numSequences() {
    return sequences.size();
  }

  Sequence sequence(int i) {
    return sequences.get(i);
  }

  /// The token sampled for sequence `i`, null when its prompt is not computed to the end yet.
  @Nullable SampledToken sampled(int i) {
    return sampled[i];
  }

  /// Why sequence `i` failed in this step, null when it did not.
  @Nullable Throwable failure(int i) {
    return failures[i];
  }

  int numTokens() {
    return numTokens;
  }

  int numPromptTokens() {
    return numPromptTokens;
  }

  /// Prompt tokens that were cached.
  int numCachedTokens() {
    return numCachedTokens;
  }
}
