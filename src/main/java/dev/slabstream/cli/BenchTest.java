package dev.slabstream.cli;

import dev.slabstream.model.ForwardCost;
import java.util.Locale;

/// One thing that `bench` measures.
///
/// @param tokens of each sequence: all at once as a prompt, or one by one
/// @param sequences computed together; 1 for a prompt
/// @param depth positions that the cache of each sequence holds before
record BenchTest(Kind kind, int tokens, int sequences, int depth) {
  enum Kind {
    PROMPT,
    GENERATION;

    String lowerCase() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// As llama-bench has it: `pp512`, `tg128 @ d4000`; eight sequences at once are `tg128 x8`.
  String name() {
    return (kind == Kind.PROMPT ? "pp" : "tg")
        + tokens
        + (sequences == 1 ? "" : " x" + sequences)
        + (depth == 0 ? "" : " @ d" + depth);
  }

  /// Positions that one sequence comes to have.
  long positions() {
    return (long) depth + tokens;
  }

  long totalTokens() {
    return (long) sequences * tokens;
  }

  /// Operations of the matrix products and of attention, per token. Of a prompt only the last token
  /// has logits.
  double flopsPerToken(ForwardCost cost) {
    int wanted = kind == Kind.PROMPT ? 1 : tokens;
    return (double) cost.flops(depth, tokens, wanted) / tokens;
  }

  /// Bytes that generating one token reads: its share of one pass over the weights, and the keys and
  /// values of its own sequence, which grow during the run: the mean.
  ///
  /// @param kvBytesPerLayer bytes of keys and values that one position takes in one layer
  double bytesPerToken(ForwardCost cost, double kvBytesPerLayer) {
    return (double) cost.packedBytes() / sequences
        + kvBytesPerLayer * cost.positionsSeen(depth, tokens) / tokens;
  }
}
