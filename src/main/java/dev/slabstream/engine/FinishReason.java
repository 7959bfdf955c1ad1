package dev.slabstream.engine;

/// Why a sequence ended well.
public enum FinishReason {
  LENGTH,
  EOS_TOKEN,
  STOP_SEQUENCE
}
