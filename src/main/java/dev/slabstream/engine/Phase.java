package dev.slabstream.engine;

/// Where a sequence is.
public enum Phase {
  QUEUED,
  PREFILL,
  DECODE
}
