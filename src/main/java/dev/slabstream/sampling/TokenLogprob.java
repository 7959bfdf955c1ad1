package dev.slabstream.sampling;

/// A token and the natural logarithm of its probability under the raw logits.
public record TokenLogprob(int id, float logprob) {}
