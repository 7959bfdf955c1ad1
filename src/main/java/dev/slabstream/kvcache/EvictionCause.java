package dev.slabstream.kvcache;

/// Why a cached block was reset.
public enum EvictionCause {
  /// A lease wanted a block and none was free: the one that was used longest ago went.
  ROOM,
  /// Its scope was closed.
  FORGOTTEN,
  /// The sequence that had published it failed.
  FAILED
}
