package dev.slabstream.kernel;

/// Consecutive positions of one sequence in a batch.
///
/// @param blocks the sequence's block table: position `p` lies in block `blocks[p / blockTokens]`; the array may be longer than
///     needed, and entries before the window may be -1 (given back)
/// @param firstToken row of the first of these tokens in the batch's activations
/// @param numTokens how many tokens
/// @param startPosition position of the first of them in its sequence
public record KvRun(int[] blocks, int firstToken, int numTokens, int startPosition) {}
