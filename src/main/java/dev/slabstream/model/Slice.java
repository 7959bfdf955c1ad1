package dev.slabstream.model;

import dev.slabstream.kvcache.KvLease;

/// What one sequence computes in this step: tokens at the positions that follow those its lease has
/// computed.
///
/// @param lease its blocks; already extended to hold these tokens
/// @param ids token ids; `from .. from + count` of them are computed
public record Slice(KvLease lease, int[] ids, int from, int count, LogitsFor logits) {
  /// How many of its last tokens have their logits computed.
  int numWanted() {
    return switch (logits) {
      case NONE -> 0;
      case LAST -> 1;
      case ALL -> count;
    };
  }
}
