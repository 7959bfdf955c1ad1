package dev.slabstream.kvcache;

import java.util.Arrays;

/// Blocks of the slab on lease to one sequence. Owned by the engine thread; ends exactly once.
///
/// The lease owns the block table and the position counter. A step of a sequence is [#extend(int)], then keys and values are
/// written, then [#advance(int)]. [#close()] is the reset: blocks back, counter to 0. Closing twice is harmless; using a closed
/// lease throws [IllegalStateException].
public final class KvLease implements AutoCloseable {
  private final KvSlab slab;
  private final BlockPool pool;
  private final int blockTokens;
  private final int reservedBlocks;
  private final int maxTokens;
  private final int window;
  private final int maxChunk;

  private final int[] blockTable;

  /// Entries below this one went back; entries from `endBlock` on were not taken yet.
  private int firstBlock;

  private int endBlock;
  private int numComputedTokens;
  private boolean closed;

  KvLease(
      KvSlab slab,
      BlockPool pool,
      int blockTokens,
      int reservedBlocks,
      int maxTokens,
      int window,
      int maxChunk) {
    this.slab = slab;
    this.pool = pool;
    this.blockTokens = blockTokens;
    this.reservedBlocks = reservedBlocks;
    this.maxTokens = maxTokens;
    this.window = window;
    this.maxChunk = maxChunk;
    blockTable = new int[Math.ceilDiv(maxTokens, blockTokens)];
    Arrays.fill(blockTable, -1);
  }

  /// The slab that its blocks lie in.
  public KvSlab slab() {
    return slab;
  }

  /// Positions computed so far: the position counter.
  public int numComputedTokens() {
    requireOpen();
    return numComputedTokens;
  }

  /// Makes the next `numTokens` positions writable: takes blocks out of the reservation.
  ///
  /// @throws IllegalArgumentException when that is more than was leased: `maxTokens` positions, `maxChunk` of them at a time if
  ///     the lease has a window
  public void extend(int numTokens) {
    requireOpen();
    requireRoom(numTokens);
    int lastPosition = numComputedTokens + numTokens - 1;
    while (endBlock <= lastPosition / blockTokens) {
      blockTable[endBlock] = pool.take();
      endBlock++;
    }
  }

  private void requireRoom(int numTokens) {
    if (numTokens < 1 || numTokens > maxTokens - numComputedTokens) {
      throw new IllegalArgumentException(
          "numTokens must be 1 to %d: %d of %d positions are computed; got %d"
              .formatted(maxTokens - numComputedTokens, numComputedTokens, maxTokens, numTokens));
    }
    if (window > 0 && numTokens > maxChunk) {
      throw new IllegalArgumentException(
          "numTokens must be at most the chunk of %d that was reserved; got %d"
              .formatted(maxChunk, numTokens));
    }
  }

  /// Counts `numTokens` more positions as computed and gives back blocks that now lie outside the window of every layer.
  ///
  /// @throws IllegalArgumentException when these positions were not made writable
  public void advance(int numTokens) {
    requireOpen();
    int writable = (int) Math.min(maxTokens, (long) endBlock * blockTokens) - numComputedTokens;
    if (numTokens < 1 || numTokens > writable) {
      throw new IllegalArgumentException(
          "numTokens must be 1 to %d, the writable positions; got %d"
              .formatted(writable, numTokens));
    }
    numComputedTokens += numTokens;
    if (window > 0) {
      // The next query, at position numComputedTokens, sees itself and window - 1 positions before
      // it.
      int firstSeen = numComputedTokens - window + 1;
      while (firstBlock < endBlock && (firstBlock + 1) * (long) blockTokens <= firstSeen) {
        pool.giveBack(blockTable[firstBlock]);
        blockTable[firstBlock] = -1;
        firstBlock++;
      }
    }
  }

  /// Block ids in position order: position `p` lies in entry `p / blockTokens`; -1 where the block went back or was not taken yet.
  /// The live array: entries change with [#extend(int)] and [#advance(int)].
  public int[] blockTable() {
    requireOpen();
    return blockTable;
  }

  /// Ends the lease, for the statistics with its cause.
  public void close(ResetCause cause) {
    if (closed) {
      return;
    }
    closed = true;
    pool.reset(blockTable, reservedBlocks - (endBlock - firstBlock), cause);
    Arrays.fill(blockTable, -1);
    numComputedTokens = 0;
    firstBlock = 0;
    endBlock = 0;
  }

  /// Ends the lease as cancelled.
  @Override
  public void close() {
    close(ResetCause.CANCELLED);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the lease is closed");
    }
  }
}
