package dev.slabstream.generation;

import java.util.Arrays;

/// A heap without room, or with a little: for a JVM of its own, with a small heap, in which nobody else allocates.
final class FullHeap {
  /// What an array without elements takes, at the least.
  private static final int PIECE_BYTES = 16;

  /// As many pieces as can be given.
  private static final int NUM_PIECES = 1 << 16;

  private final Object[] chunks = new Object[1 << 12];
  private final Object[] pieces = new Object[2 * NUM_PIECES];
  private int numChunks;

  /// Takes all there is.
  void fill() {
    refill(NUM_PIECES);
    for (int bytes = 1 << 20; bytes >= 1 << 10; bytes >>= 5) {
      fillWithChunks(bytes);
    }
    give(0);
  }

  private void fillWithChunks(int bytes) {
    try {
      while (true) {
        chunks[numChunks] = new byte[bytes];
        numChunks++;
      }
    } catch (OutOfMemoryError e) {
      // Full for this size.
    }
  }

  /// Leaves room for some `bytes`, and takes whatever else is free.
  void give(int bytes) {
    refill(pieces.length);
    int left = bytes / PIECE_BYTES;
    for (int i = 0; i < pieces.length && left > 0; i++) {
      if (pieces[i] != null) {
        pieces[i] = null;
        left--;
      }
    }
    if (left > 0) {
      throw new IllegalStateException("too few pieces");
    }
  }

  private void refill(int numPieces) {
    try {
      for (int i = 0; i < numPieces; i++) {
        if (pieces[i] == null) {
          pieces[i] = new byte[0];
        }
      }
    } catch (OutOfMemoryError e) {
      // Full.
    }
  }

  /// Gives everything back.
  void free() {
    Arrays.fill(chunks, null);
    Arrays.fill(pieces, null);
    numChunks = 0;
  }
}
