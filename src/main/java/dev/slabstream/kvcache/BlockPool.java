package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;

/// The blocks of the slab: which are free, on lease or cached, and how many are promised.
///
/// A lease without a window keeps what it takes: each block that it takes comes off its promise, and so does one that it takes by
/// reference; while it has a block, that block is *kept*. A lease with a window gives blocks back and takes others, also when another
/// lease still has the one that it gave back, so its promise stays whole until its end. Then
///
/// ```
/// available = blocks - kept by some lease without a window - promised
/// ```
///
/// is what a new lease can be promised, and as long as it is not negative, whoever was promised a block finds one that is free or
/// cached. Without windows, available is the free and cached blocks less the promised ones.
///
/// One lock, held for a few instructions, makes every change whole for the threads that read the statistics; the only thread that
/// changes anything practically never waits for it.
final class BlockPool {
  /// All bits set is a NaN in every float format.
  private static final long NAN_BITS = -1;

  private final KvLayout layout;
  private final MemorySegment slab;
  private final ResetFill fill;

  /// A stack: the `numFree` lowest entries are the free blocks, the last of them is taken next.
  private final int[] free;

  private int numFree;

  /// Leases that have the block, and those of them without a window.
  private final int[] references;

  private final int[] keepers;

  private final PrefixCache cache;

  /// Published blocks that no lease has, the one that was given back first in front.
  private final BlockQueue cached;

  private int numKept;
  private int numPromised;
  private int highWaterBlocks;
  private int openLeases;
  private long numLeases;
  private final long[] resets = new long[ResetCause.values().length];
  private final long[] evictions = new long[EvictionCause.values().length];

  BlockPool(KvLayout layout, MemorySegment slab, ResetFill fill) {
    this.layout = layout;
    this.slab = slab;
    this.fill = fill;
    int numBlocks = layout.numBlocks();
    numFree = numBlocks;
    free = new int[numBlocks];
    for (int i = 0; i < numBlocks; i++) {
      free[i] = numBlocks - 1 - i;
    }
    references = new int[numBlocks];
    keepers = new int[numBlocks];
    cache = new PrefixCache(numBlocks);
    cached = new BlockQueue(numBlocks);
    if (fill == ResetFill.NAN) {
      write(0, layout.slabBytes(), NAN_BITS);
    }
  }

  /// Promises `numBlocks` blocks to a new lease, or changes nothing and returns false.
  synchronized boolean tryReserve(int numBlocks) {
    if (layout.numBlocks() - numKept - numPromised < numBlocks) {
      return false;
    }
    numPromised += numBlocks;
    openLeases++;
    return true;
  }

  /// A number that no other lease has.
  synchronized long newLeaseId() {
    return ++numLeases;
  }

  /// A block for a lease that was promised one. When none is free, the cached one that was given back first is evicted.
  ///
  /// @param keeps whether the lease has no window
  synchronized int take(boolean keeps) {
    if (numFree == 0) {
      if (cached.size() == 0) {
        throw new IllegalStateException("no block is reserved");
      }
      evict(cached.first(), EvictionCause.ROOM);
    }
    int block = free[--numFree];
    reference(block, keeps);
    return block;
  }

  /// The block that is published under `key`, now referenced by one lease more, or -1.
  ///
  /// @param keeps whether the lease has no window
  synchronized int takePublished(BlockKey key, boolean keeps) {
    int block = cache.find(key);
    if (block == PrefixCache.NONE) {
      return -1;
    }
    if (references[block] == 0) {
      cached.remove(block);
    }
    reference(block, keeps);
    return block;
  }

  private void reference(int block, boolean keeps) {
    references[block]++;
    if (keeps) {
      numPromised--;
      if (keepers[block]++ == 0) {
        numKept++;
      }
    }
    highWaterBlocks = Math.max(highWaterBlocks, numLeased());
  }

  synchronized boolean isPublished(BlockKey key) {
    return cache.find(key) != PrefixCache.NONE;
  }

  synchronized boolean isCached(int block) {
    return references[block] == 0 && cache.isPublished(block);
  }

  /// Lets other leases of its scope find a block whose positions are all computed; false when it stays private.
  synchronized boolean publish(int block, BlockKey key, CacheScope scope, long lease) {
    return cache.publish(block, key, scope, lease);
  }

  /// Lets nobody find any more what `lease` published; who has it keeps it.
  synchronized void unpublish(long lease) {
    // A loop of its own: an allocation, as of a lambda, could fail before the lease's blocks go
    // back.
    for (int block = 0; block < layout.numBlocks(); block++) {
      if (cache.isPublishedBy(block, lease)) {
        unpublish(block, EvictionCause.FAILED);
      }
    }
  }

  /// Lets nobody find any more what was published in scopes that are closed.
  synchronized void unpublishClosedScopes() {
    for (int block = 0; block < layout.numBlocks(); block++) {
      if (cache.isOfClosedScope(block)) {
        unpublish(block, EvictionCause.FORGOTTEN);
      }
    }
  }

  private void unpublish(int block, EvictionCause cause) {
    if (references[block] == 0) {
      evict(block, cause);
    } else {
      cache.unpublish(block);
    }
  }

  private void evict(int block, EvictionCause cause) {
    cached.remove(block);
    cache.unpublish(block);
    clear(block);
    evictions[cause.ordinal()]++;
  }

  /// Takes a block back from a lease with a window, which keeps its promise.
  synchronized void giveBack(int block) {
    release(block, false);
  }

  /// Ends a lease: the blocks of its table (-1 = none) go back, the deepest first, and so does what it was promised and did not
  /// take.
  ///
  /// @param keeps whether the lease has no window
  synchronized void reset(int[] table, boolean keeps, int numPromisedToIt, ResetCause cause) {
    for (int i = table.length - 1; i >= 0; i--) {
      if (table[i] >= 0) {
        release(table[i], keeps);
      }
    }
    numPromised -= numPromisedToIt;
    openLeases--;
    resets[cause.ordinal()]++;
  }

  private void release(int block, boolean keeps) {
    if (keeps && --keepers[block] == 0) {
      numKept--;
    }
    if (--references[block] > 0) {
      return;
    }
    if (cache.isPublished(block)) {
      cached.add(block);
    } else {
      clear(block);
    }
  }

  /// Makes a block that nobody has and nobody can find a free one.
  private void clear(int block) {
    switch (fill) {
      case KEEP -> {}
      case ZERO -> write(block, 0);
      case NAN -> write(block, NAN_BITS);
    }
    free[numFree++] = block;
  }

  private void write(int block, long value) {
    for (int layer = 0; layer < layout.numLayers(); layer++) {
      write(layout.keyOffset(layer, block, 0), layout.blockLayerBytes(), value);
    }
  }

  /// Without the slice that [MemorySegment#fill] would need: an allocation could fail while blocks go back.
  private void write(long offset, long bytes, long value) {
    for (long at = offset; at < offset + bytes; at += Long.BYTES) {
      slab.set(ValueLayout.JAVA_LONG, at, value);
    }
  }

  private int numLeased() {
    return layout.numBlocks() - numFree - cached.size();
  }

  synchronized KvStats stats() {
    Map<ResetCause, Long> resetsByCause = new EnumMap<>(ResetCause.class);
    for (ResetCause cause : ResetCause.values()) {
      resetsByCause.put(cause, resets[cause.ordinal()]);
    }
    Map<EvictionCause, Long> evictionsByCause = new EnumMap<>(EvictionCause.class);
    for (EvictionCause cause : EvictionCause.values()) {
      evictionsByCause.put(cause, evictions[cause.ordinal()]);
    }
    return new KvStats(
        layout.numBlocks(),
        layout.blockTokens(),
        layout.slabBytes(),
        numFree,
        numLeased(),
        cached.size(),
        numKept + numPromised - numLeased(),
        highWaterBlocks,
        openLeases,
        resetsByCause,
        evictionsByCause);
  }
}
