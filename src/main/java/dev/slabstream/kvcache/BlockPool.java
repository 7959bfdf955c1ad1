package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/// The blocks of the slab: which are free, and how many of those are promised.
///
/// One lock, held for a few instructions, makes every change whole for the threads that read the statistics; the only thread that
/// changes anything practically never waits for it.
final class BlockPool {
  /// All bits set is a NaN in every float format.
  private static final byte NAN_BYTE = (byte) 0xFF;

  private final KvLayout layout;
  private final MemorySegment slab;
  private final ResetFill fill;

  /// A stack: the `numFree` lowest entries are the free blocks, the last of them is taken next.
  private final int[] free;

  private int numFree;
  private int numReserved;
  private int highWaterBlocks;
  private int openLeases;
  private final long[] resets = new long[ResetCause.values().length];

  BlockPool(KvLayout layout, MemorySegment slab, ResetFill fill) {
    this.layout = layout;
    this.slab = slab;
    this.fill = fill;
    numFree = layout.numBlocks();
    free = new int[numFree];
    for (int i = 0; i < numFree; i++) {
      free[i] = numFree - 1 - i;
    }
    if (fill == ResetFill.NAN) {
      slab.asSlice(0, layout.slabBytes()).fill(NAN_BYTE);
    }
  }

  /// Promises `numBlocks` blocks to a new lease, or changes nothing and returns false.
  synchronized boolean tryReserve(int numBlocks) {
    if (numFree - numReserved < numBlocks) {
      return false;
    }
    numReserved += numBlocks;
    openLeases++;
    return true;
  }

  /// Takes a block out of a reservation: the caller was promised it.
  synchronized int take() {
    if (numReserved <= 0) {
      throw new IllegalStateException("no block is reserved");
    }
    numReserved--;
    int block = free[--numFree];
    highWaterBlocks = Math.max(highWaterBlocks, layout.numBlocks() - numFree);
    return block;
  }

  /// Takes a block back; its place in the reservation stays with the lease.
  synchronized void giveBack(int block) {
    release(block);
    numReserved++;
  }

  /// Ends a lease: the blocks of its table (-1 = none) go back, and so does what it had reserved and not taken.
  synchronized void reset(int[] table, int numBlocksUntaken, ResetCause cause) {
    for (int i = table.length - 1; i >= 0; i--) {
      if (table[i] >= 0) {
        release(table[i]);
      }
    }
    numReserved -= numBlocksUntaken;
    openLeases--;
    resets[cause.ordinal()]++;
  }

  private void release(int block) {
    if (fill == ResetFill.NAN) {
      for (int layer = 0; layer < layout.numLayers(); layer++) {
        slab.asSlice(layout.keyOffset(layer, block, 0), layout.blockLayerBytes()).fill(NAN_BYTE);
      }
    }
    free[numFree++] = block;
  }

  synchronized KvStats stats() {
    Map<ResetCause, Long> resetsByCause = new EnumMap<>(ResetCause.class);
    for (ResetCause cause : ResetCause.values()) {
      resetsByCause.put(cause, resets[cause.ordinal()]);
    }
    return new KvStats(
        layout.numBlocks(),
        layout.blockTokens(),
        layout.slabBytes(),
        numFree,
        layout.numBlocks() - numFree,
        numReserved,
        highWaterBlocks,
        openLeases,
        resetsByCause);
  }
}
