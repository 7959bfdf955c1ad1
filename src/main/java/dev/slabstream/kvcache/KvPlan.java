package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;

/// How large the slab is to be, and why: pure arithmetic, from what the caller found out about memory.
///
/// @param layout the layout with the number of blocks decided
/// @param reason what decided it, one line for the start-up log
public record KvPlan(KvLayout layout, String reason) {
  /// Of the memory that nothing else needs, the part that a derived slab takes at most; the rest is for the page cache, the
  /// threads' stacks and whatever else runs on the machine.
  public static final double DERIVED_FRACTION = 0.5;

  /// Blocks to reserve for a sequence of `maxTokens` positions: see step 1 of [KvSlab].
  ///
  /// @param window positions that some layer still needs, 0 = all
  /// @param maxChunk the largest number of positions computed in one step
  /// @throws IllegalArgumentException when a number is out of range
  public static int blocksNeeded(int blockTokens, int maxTokens, int window, int maxChunk) {
    if (maxTokens < 1 || window < 0 || maxChunk < 1) {
      throw new IllegalArgumentException(
          "maxTokens and maxChunk must be positive, window not negative; got %d, %d, %d"
              .formatted(maxTokens, maxChunk, window));
    }
    int all = Math.ceilDiv(maxTokens, blockTokens);
    if (window == 0) {
      return all;
    }
    return (int) Math.min(all, Math.ceilDiv((long) window + maxChunk, blockTokens) + 1);
  }

  /// As many blocks as `bytes` hold.
  ///
  /// @param block the layout, whatever its number of blocks
  /// @throws IllegalArgumentException when not even one block fits: no request could ever be served
  public static KvPlan ofSize(KvLayout block, long bytes) {
    long numBlocks = bytes / block.blockBytes();
    if (numBlocks < 1) {
      throw new IllegalArgumentException(
          "a slab of %d bytes cannot hold one request: one block of %d tokens takes %d bytes"
              .formatted(bytes, block.blockTokens(), block.blockBytes()));
    }
    return new KvPlan(withBlocks(block, numBlocks), "%d bytes as set".formatted(bytes));
  }

  /// A slab for `numContexts` sequences of full length, or as much of it as half of the memory left allows.
  ///
  /// @param block the layout, whatever its number of blocks
  /// @param limitBytes the memory this process may use: of the container, or of the machine
  /// @param usedBytes what of it is spoken for: weights, heap and the like
  /// @param contextLength positions of a sequence of full length
  /// @param window positions that some layer still needs, 0 = all
  /// @param maxChunk the largest number of positions computed in one step
  /// @throws IllegalArgumentException when not even one block fits: no request could ever be served
  public static KvPlan derived(
      KvLayout block,
      long limitBytes,
      long usedBytes,
      int contextLength,
      int window,
      int maxChunk,
      int numContexts) {
    long leftBytes = Math.max(0, limitBytes - usedBytes);
    long allowedBlocks = (long) (leftBytes * DERIVED_FRACTION) / block.blockBytes();
    long wantedBlocks =
        (long) numContexts * blocksNeeded(block.blockTokens(), contextLength, window, maxChunk);
    if (allowedBlocks < 1) {
      throw new IllegalArgumentException(
          "no memory for keys and values: %d of %d bytes are spoken for, and one block of %d tokens takes %d bytes"
              .formatted(usedBytes, limitBytes, block.blockTokens(), block.blockBytes()));
    }
    return wantedBlocks <= allowedBlocks
        ? new KvPlan(
            withBlocks(block, wantedBlocks),
            "%d sequences of %d tokens".formatted(numContexts, contextLength))
        : new KvPlan(
            withBlocks(block, allowedBlocks),
            "%d %% of the %d bytes left".formatted((int) (100 * DERIVED_FRACTION), leftBytes));
  }

  /// Positions that the slab holds.
  public long numTokens() {
    return (long) layout.numBlocks() * layout.blockTokens();
  }

  private static KvLayout withBlocks(KvLayout block, long numBlocks) {
    return block.withBlocks((int) Math.min(Integer.MAX_VALUE, numBlocks));
  }
}
