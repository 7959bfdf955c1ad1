package dev.slabstream.kvcache;

import java.util.Map;

/// A consistent picture of the slab; `freeBlocks + leasedBlocks + cachedBlocks == numBlocks`.
///
/// @param slabBytes bytes of all blocks
/// @param freeBlocks blocks in no lease that hold nothing
/// @param leasedBlocks blocks that some lease has taken, each counted once
/// @param cachedBlocks blocks in no lease that hold what a later sequence may begin with
/// @param reservedBlocks blocks promised to leases and not taken yet; a part of the free and cached ones
/// @param highWaterBlocks the most blocks that were ever leased at once
/// @param openLeases leases not closed yet
/// @param resets leases closed, by cause; has every cause
/// @param evictions cached blocks that were reset, by cause; has every cause
public record KvStats(
    int numBlocks,
    int blockTokens,
    long slabBytes,
    int freeBlocks,
    int leasedBlocks,
    int cachedBlocks,
    int reservedBlocks,
    int highWaterBlocks,
    int openLeases,
    Map<ResetCause, Long> resets,
    Map<EvictionCause, Long> evictions) {
  public KvStats {
    resets = Map.copyOf(resets);
    evictions = Map.copyOf(evictions);
  }

  /// Positions that the whole slab holds.
  public long numTokens() {
    return (long) numBlocks * blockTokens;
  }
}
