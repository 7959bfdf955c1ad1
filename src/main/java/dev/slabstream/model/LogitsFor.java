package dev.slabstream.model;

/// For which tokens of a slice logits are wanted.
public enum LogitsFor {
  NONE,
  LAST,
  ALL
}
