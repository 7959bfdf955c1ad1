package dev.slabstream.tokenizer;

import java.util.Arrays;

/// Merges the symbols of one piece of text after another, always the pair with the lowest rank, the leftmost of equals
/// (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 3.2).
///
/// A short piece is scanned again for each merge, which is quickest; a long one goes through a heap, so that a piece of a
/// million symbols costs n log n. Holds scratch memory: one thread, one encoding.
final class BytePairMerger {
  private static final int SCAN_LIMIT = 48;

  private final MergeTable table;
  private int[] symbols = new int[64];
  private int size;
  private final long[] merges = new long[SCAN_LIMIT];

  private int[] before = {};
  private int[] after = {};
  private long[] heap = {};
  private int heapSize;

  BytePairMerger(MergeTable table) {
    this.table = table;
  }

  /// Begins a piece.
  void clear() {
    size = 0;
  }

  /// Adds the next symbol of the piece.
  void add(int symbol) {
    if (size == symbols.length) {
      symbols = Arrays.copyOf(symbols, size * 2);
    }
    symbols[size++] = symbol;
  }

  /// Appends the tokens of the piece.
  void mergeInto(IntList out) {
    if (size <= SCAN_LIMIT) {
      mergeByScanning();
    } else {
      mergeByHeap();
    }
    out.addAll(symbols, size);
  }

  private void mergeByScanning() {
    for (int i = 0; i + 1 < size; i++) {
      merges[i] = table.find(symbols[i], symbols[i + 1]);
    }
    while (size > 1) {
      int best = 0;
      for (int i = 1; i + 1 < size; i++) {
        if (merges[i] >>> 32 < merges[best] >>> 32) {
          best = i;
        }
      }
      if (merges[best] == MergeTable.NONE) {
        return;
      }
      symbols[best] = MergeTable.merged(merges[best]);
      size--;
      System.arraycopy(symbols, best + 2, symbols, best + 1, size - best - 1);
      if (best + 1 < size) {
        System.arraycopy(merges, best + 2, merges, best + 1, size - best - 2);
        merges[best] = table.find(symbols[best], symbols[best + 1]);
      }
      if (best > 0) {
        merges[best - 1] = table.find(symbols[best - 1], symbols[best]);
      }
    }
  }

  /// Symbols stay where they began, linked to their neighbours; a merged-away one is -1. A heap entry is (rank, position); it
  /// is stale when the pair at that position no longer has that rank, since a rank belongs to one pair.
  private void mergeByHeap() {
    if (before.length < size) {
      before = new int[size];
      after = new int[size];
      heap = new long[size];
    }
    heapSize = 0;
    for (int i = 0; i < size; i++) {
      before[i] = i - 1;
      after[i] = i + 1 < size ? i + 1 : -1;
    }
    for (int i = 0; i + 1 < size; i++) {
      offer(i);
    }
    while (heapSize > 0) {
      long entry = poll();
      int position = (int) entry;
      if (symbols[position] < 0 || after[position] < 0) {
        continue;
      }
      int neighbour = after[position];
      long merge = table.find(symbols[position], symbols[neighbour]);
      if (merge == MergeTable.NONE || MergeTable.rank(merge) != entry >>> 32) {
        continue;
      }
      symbols[position] = MergeTable.merged(merge);
      symbols[neighbour] = -1;
      int next = after[neighbour];
      after[position] = next;
      if (next >= 0) {
        before[next] = position;
        offer(position);
      }
      if (before[position] >= 0) {
        offer(before[position]);
      }
    }
    int kept = 0;
    for (int i = 0; i >= 0; i = after[i]) {
      symbols[kept++] = symbols[i];
    }
    size = kept;
  }

  private void offer(int position) {
    long merge = table.find(symbols[position], symbols[after[position]]);
    if (merge == MergeTable.NONE) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heapSize + (heapSize >> 1) + 1);
    }
    long entry = merge & 0xFFFFFFFF_00000000L | position;
    int child = heapSize++;
    while (child > 0) {
      int parent = child - 1 >>> 1;
      if (heap[parent] <= entry) {
        break;
      }
      heap[child] = heap[parent];
      child = parent;
    }
    heap[child] = entry;
  }

  private long poll() {
    long first = heap[0];
    long last = heap[--heapSize];
    int parent = 0;
    while (true) {
      int child = 2 * parent + 1;
      if (child >= heapSize) {
        break;
      }
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (last <= heap[child]) {
        break;
      }
      heap[parent] = heap[child];
      parent = child;
    }
    heap[parent] = last;
    return first;
  }
}
