package dev.slabstream.tokenizer;

/// What a token of a vocabulary is.
enum TokenKind {
  /// A piece of text, in the vocabulary's [TextForm].
  NORMAL,
  /// A byte that no character has (`<0x0A>`).
  BYTE,
  /// Added to the vocabulary and found in the text before it is split, but text like any other when decoded (`<think>`).
  ADDED,
  /// A control token: found like an added one, left out when special tokens are skipped.
  SPECIAL
}
