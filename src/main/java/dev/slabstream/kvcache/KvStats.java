package dev.slabstream.kvcache;

import java.util.Map;

/// A consistent picture of the slab; `freeBlocks + leasedBlocks == numBlocks`.
///
/// @param reservedBlocks blocks promised to leases and not taken yet; a part of the free ones
/// @param highWaterBlocks the most blocks that were ever leased at once
/// @param openLeases leases not closed yet
/// @param resets leases closed, by cause
public record KvStats(
    int numBlocks,
    int blockTokens,
    long slabBytes,
    int freeBlocks,
    int leasedBlocks,
    int reservedBlocks,
    int highWaterBlocks,
    int openLeases,
    Map<ResetCause, Long> resets) {}
