package dev.slabstream.sampling;

import java.util.List;

/// The chosen token.
///
/// @param logprob log-softmax of the raw logits (before temperature, penalties and filters)
/// @param top the `topN` most likely tokens, most likely first, lower id first among equals; empty when none were asked for
public record SampledToken(int id, float logprob, List<TokenLogprob> top) {
  public SampledToken {
    top = List.copyOf(top);
  }
}
