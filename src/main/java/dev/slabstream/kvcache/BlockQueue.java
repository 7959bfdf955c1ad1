package dev.slabstream.kvcache;

/// Block ids in the order in which they came, any of which can be taken out: in constant time, and without an allocation, so that
/// giving a block back cannot fail. A ring of links; the last place is its anchor.
final class BlockQueue {
  private final int[] next;
  private final int[] previous;
  private final int anchor;
  private int size;

  BlockQueue(int numBlocks) {
    anchor = numBlocks;
    next = new int[numBlocks + 1];
    previous = new int[numBlocks + 1];
    next[anchor] = anchor;
    previous[anchor] = anchor;
  }

  int size() {
    return size;
  }

  /// The block that came first; there must be one.
  int first() {
    return next[anchor];
  }

  /// Puts in a block that is not in.
  void add(int block) {
    int last = previous[anchor];
    next[last] = block;
    previous[block] = last;
    next[block] = anchor;
    previous[anchor] = block;
    size++;
  }

  /// Takes out a block that is in.
  void remove(int block) {
    next[previous[block]] = next[block];
    previous[next[block]] = previous[block];
    size--;
  }
}
