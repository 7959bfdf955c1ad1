package dev.slabstream.kvcache;

import java.util.Map;

/// A consistent picture of the slab; `freeBlocks + leasedBlocks == numBlocks`.
///
/// @param slabBytes bytes of all blocks
/// @param freeBlocks blocks in no lease
/// @param leasedBlocks blocks that a lease has taken
/// @param reservedBlocks blocks promised to leases and not taken yet; a part of the free ones
/// @param highWaterBlocks the most blocks that were ever leased at once
/// @param openLeases leases not closed yet
/// @param resets leases closed, by cause; has every cause
public record KvStats(
    int numBlocks,
    int blockTokens,
    long slabBytes,
    int freeBlocks,
    int leasedBlocks,
    int reservedBlocks,
    int highWaterBlocks,
    int openLeases,
    Map<ResetCause, Long> resets) {
  public KvStats {
    resets = Map.copyOf(resets);
  }

  /// Positions that the whole slab holds.
  public long numTokens() {
    return (long) numBlocks * blockTokens;
  }
}
