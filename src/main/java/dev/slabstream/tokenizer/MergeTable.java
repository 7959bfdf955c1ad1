package dev.slabstream.tokenizer;

import java.util.Arrays;

/// The merges of a byte-pair encoding: which two tokens become which third, and how early. An open-addressing hash table over
/// primitive arrays, at most half full. Immutable once filled, thread-safe then.
final class MergeTable {
  /// What [#find] says of a pair that does not merge. Its rank is higher than any.
  static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  private final long[] keys;
  private final long[] values;
  private final int mask;

  MergeTable(int numMerges) {
    int capacity = Integer.highestOneBit(Math.max(numMerges, 4)) << 2;
    keys = new long[capacity];
    values = new long[capacity];
    mask = capacity - 1;
    Arrays.fill(keys, EMPTY);
  }

  /// Adds a merge. A pair that comes twice takes the later rank, as in Hugging Face's tokenizers.
  void put(int left, int right, int rank, int merged) {
    long key = key(left, right);
    int slot = slot(key);
    while (keys[slot] != EMPTY && keys[slot] != key) {
      slot = slot + 1 & mask;
    }
    keys[slot] = key;
    values[slot] = (long) rank << 32 | merged;
  }

  /// The merge of two tokens, rank in the upper half and result in the lower, or [#NONE].
  long find(int left, int right) {
    long key = key(left, right);
    int slot = slot(key);
    while (keys[slot] != key) {
      if (keys[slot] == EMPTY) {
        return NONE;
      }
      slot = slot + 1 & mask;
    }
    return values[slot];
  }

  static int rank(long merge) {
    return (int) (merge >>> 32);
  }

  static int merged(long merge) {
    return (int) merge;
  }

  private static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  private int slot(long key) {
    long hash = key * 0x9E3779B97F4A7C15L;
    return (int) (hash >>> 32) & mask;
  }
}
