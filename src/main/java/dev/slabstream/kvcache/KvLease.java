package dev.slabstream.kvcache;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Blocks of the slab on lease to one sequence. Owned by the engine thread; ends exactly once.
///
/// The lease owns the block table and the position counter. A step of a sequence is [#extend(int)], then keys and values are
/// written, then [#advance(int)]; before it, [#takeCached] may find that some of it is computed already. [#close()] is the reset:
/// blocks back, counter to 0. Closing twice is harmless; using a closed lease throws [IllegalStateException].
///
/// Only positions that are not computed are written, and only full blocks are shared, so no block that another lease has is written.
public final class KvLease implements AutoCloseable {
  private final KvSlab slab;
  private final BlockPool pool;
  private final int blockTokens;
  private final int reservedBlocks;
  private final int maxTokens;
  private final int window;
  private final int maxChunk;
  private final long id;

  private final int[] blockTable;

  /// Entries below this one went back; entries from `endBlock` on were not taken yet.
  private int firstBlock;

  private int endBlock;
  private int numComputedTokens;
  private boolean hasPublished;
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
    id = pool.newLeaseId();
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
      blockTable[endBlock] = pool.take(keepsItsBlocks());
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

  private boolean keepsItsBlocks() {
    return window == 0;
  }

  /// Takes by reference what is published of the next positions, block by block, and counts it as computed. Does nothing between
  /// two block boundaries.
  ///
  /// At its beginning a lease with a window passes over the blocks that the window has left at the last position it can take: the
  /// others suffice, whether those are still published or not.
  ///
  /// @param keys of the sequence's tokens
  /// @param end the position to stop before at the latest
  /// @return the number of positions
  public int takeCached(BlockKeys keys, int end) {
    requireOpen();
    if (numComputedTokens != (long) endBlock * blockTokens) {
      return 0;
    }
    int start = numComputedTokens;
    int limit = Math.min(keys.size(), Math.min(end, maxTokens) / blockTokens);
    if (endBlock == 0 && window > 0) {
      skipTo(firstBlockOfLongestWindow(keys, limit));
    }
    while (endBlock < limit) {
      int block = pool.takePublished(keys.get(endBlock), keepsItsBlocks());
      if (block < 0) {
        break;
      }
      blockTable[endBlock] = block;
      endBlock++;
      numComputedTokens += blockTokens;
      giveBackOutsideWindow();
    }
    return numComputedTokens - start;
  }

  /// The first block that is seen from behind the last block so that all blocks seen from there are published.
  private int firstBlockOfLongestWindow(BlockKeys keys, int limit) {
    int first = 0;
    int firstOfRun = 0;
    for (int last = 0; last < limit; last++) {
      if (!pool.isPublished(keys.get(last))) {
        firstOfRun = last + 1;
        continue;
      }
      int firstSeen = Math.max(0, (last + 1) * blockTokens - window + 1) / blockTokens;
      if (firstOfRun <= firstSeen) {
        first = Math.min(firstSeen, last);
      }
    }
    return first;
  }

  private void skipTo(int block) {
    firstBlock = block;
    endBlock = block;
    numComputedTokens = block * blockTokens;
  }

  /// Counts `numTokens` more positions as computed and gives back blocks that now lie outside the window of every layer.
  ///
  /// @throws IllegalArgumentException when these positions were not made writable
  public void advance(int numTokens) {
    advance(numTokens, null);
  }

  /// As above; before that, publishes the blocks that are full now, as far as `keys` has keys for them and no other block has one
  /// of those.
  public void advance(int numTokens, @Nullable BlockKeys keys) {
    requireOpen();
    int writable = (int) Math.min(maxTokens, (long) endBlock * blockTokens) - numComputedTokens;
    if (numTokens < 1 || numTokens > writable) {
      throw new IllegalArgumentException(
          "numTokens must be 1 to %d, the writable positions; got %d"
              .formatted(writable, numTokens));
    }
    int firstNewBlock = numComputedTokens / blockTokens;
    numComputedTokens += numTokens;
    if (keys != null) {
      publish(keys, firstNewBlock);
    }
    giveBackOutsideWindow();
  }

  private void publish(BlockKeys keys, int firstNewBlock) {
    int end = Math.min(keys.size(), numComputedTokens / blockTokens);
    for (int i = firstNewBlock; i < end; i++) {
      hasPublished |= pool.publish(blockTable[i], keys.get(i), keys.scope(), id);
    }
  }

  private void giveBackOutsideWindow() {
    if (keepsItsBlocks()) {
      return;
    }
    // The next query, at position numComputedTokens, sees itself and window - 1 positions before
    // it.
    int firstSeen = numComputedTokens - window + 1;
    while (firstBlock < endBlock && (firstBlock + 1) * (long) blockTokens <= firstSeen) {
      pool.giveBack(blockTable[firstBlock]);
      blockTable[firstBlock] = -1;
      firstBlock++;
    }
  }

  /// Block ids in position order: position `p` lies in entry `p / blockTokens`; -1 where the block went back or was not taken yet.
  /// The live array: entries change with [#extend(int)] and [#advance(int)].
  public int[] blockTable() {
    requireOpen();
    return blockTable;
  }

  /// Ends the lease, for the statistics with its cause. What it published stays behind as cached, unless it failed.
  public void close(ResetCause cause) {
    if (closed) {
      return;
    }
    closed = true;
    if (cause == ResetCause.FAILED && hasPublished) {
      pool.unpublish(id);
    }
    int promised = keepsItsBlocks() ? reservedBlocks - endBlock : reservedBlocks;
    pool.reset(blockTable, keepsItsBlocks(), promised, cause);
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
