package dev.slabstream.kvcache;

/// Why a lease ended and its blocks were reset.
public enum ResetCause {
  FINISHED,
  FAILED,
  CANCELLED
}
