package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// The one slab of keys and values, cut into blocks that sequences lease.
///
/// **Terms**
///
/// - *position*: the place of a token in its sequence, from 0.
/// - *block*: room for the keys and values of `blockTokens` consecutive positions of one sequence, in every layer. Blocks have ids
///   `0 .. numBlocks - 1`, are all alike, and are the unit of everything below.
/// - *block table*: the blocks of one sequence in position order; position `p` lies in entry `p / blockTokens`.
/// - *lease*: the right of one sequence to a number of blocks (its *reservation*), the block table with those it has taken so far,
///   and the position counter.
/// - *window*: how many positions a query still sees; 0 = all before it.
/// - *published*: a full block that others can find by its key, which says all tokens up to its end and its scope ([BlockKeys]).
/// - *cached*: a published block that no lease has.
///
/// **Layout**, see [KvLayout]
///
/// ```
///            block 0     block 1     block 2                block n-1
///          +-----------+-----------+-----------+--       --+-----------+
/// layer 0  | K  heads  | K  heads  | K  heads  |           | K  heads  |
///          | V  heads  | V  heads  | V  heads  |    ...    | V  heads  |
///          +-----------+-----------+-----------+--       --+-----------+
/// layer 1  | ...       | ...       | ...       |           | ...       |
///          +-----------+-----------+-----------+--       --+-----------+
///
/// free     stack of block ids, the top is taken next        [ n-1 ... 7 | 4 | 0 ]  <- top
/// table    positions   0..15  16..31  32..47  48..63
///          entries      -1      9       3      -1           -1: gone back (window), or not taken yet
/// ```
///
/// **Algorithm**
///
/// 1. *Reserve.* [#lease] promises a sequence all blocks it can ever need at once: enough for prompt and new tokens or, if every
///    layer has a window, for window + largest chunk + one block. It is granted when the free and cached blocks that nobody else was
///    promised suffice. No block moves yet. So an admitted sequence can always finish, and "no room" is answered at admission only.
/// 2. *Find.* [KvLease#takeCached] takes the blocks of a prompt that are published by reference, each out of the reservation: what
///    two leases share is in the slab once. A lease with a window needs those in the window only.
/// 3. *Take.* [KvLease#extend] pops blocks off the free stack as positions come to need them, never more than reserved at once.
///    The stack makes the block that was given back last the next one taken: its memory is the warmest. Only when the stack is
///    empty, the cached block that was given back longest ago is evicted: unpublished and reset.
/// 4. *Advance.* [KvLease#advance] moves the position counter and publishes full blocks; blocks that lie outside the window of all
///    positions to come go back at once. Their reservation stays with the lease: the window will want as many again.
/// 5. *Reset.* [KvLease#close], the only way a lease ends: blocks back, reservation released, counter to 0. A block that another
///    lease has stays with that one; a published one becomes cached; the others go on the stack. They go back in reverse order, so
///    that the next lease takes them in the order they had, and the end of a prefix is evicted before its beginning. What a failed
///    sequence published is unpublished first.
/// 6. *Forget.* [#forgetClosedScopes] evicts what is cached in scopes that are closed, and unpublishes what is on lease.
///
/// At any time `free + leased + cached = numBlocks` and `free + cached >= reserved`, the blocks promised and not taken yet.
///
/// A free block keeps its numbers (unless a [ResetFill] says otherwise): whoever computes attention must not read positions that its
/// own sequence has not written, or taken by reference.
///
/// **Threads.** The engine's thread leases, takes, extends, advances, closes and forgets; [#stats()] may be called by any thread and
/// sees one consistent picture.
public final class KvSlab implements AutoCloseable {
  private static final int[] NO_BLOCKS = {};

  private final KvLayout layout;
  private final SlabMemory memory;
  private final BlockPool pool;
  private boolean closed;

  /// Takes over `memory`, which must hold `layout.slabBytes()`; [#close()] frees it.
  public KvSlab(KvLayout layout, SlabMemory memory) {
    this(layout, memory, ResetFill.KEEP);
  }

  /// As above; `fill` says what becomes of the numbers in a block that goes back.
  public KvSlab(KvLayout layout, SlabMemory memory, ResetFill fill) {
    if (memory.segment().byteSize() < layout.slabBytes()) {
      throw new IllegalArgumentException(
          "the memory has %d bytes, the slab needs %d"
              .formatted(memory.segment().byteSize(), layout.slabBytes()));
    }
    this.layout = layout;
    this.memory = memory;
    this.pool = new BlockPool(layout, memory.segment(), fill);
  }

  public KvLayout layout() {
    return layout;
  }

  /// The memory of all blocks; using it after [#close()] throws.
  public MemorySegment segment() {
    return memory.segment();
  }

  /// How many blocks a sequence of `maxTokens` positions must reserve.
  ///
  /// @param window positions that some layer still needs, 0 = all (then blocks never go back early)
  /// @param maxChunk the largest number of positions computed in one step
  public int blocksNeeded(int maxTokens, int window, int maxChunk) {
    return KvPlan.blocksNeeded(layout.blockTokens(), maxTokens, window, maxChunk);
  }

  /// Reserves room for `maxTokens` positions; empty when there is no room now.
  ///
  /// @throws IllegalArgumentException when the slab could never hold it, even empty
  public Optional<KvLease> lease(int maxTokens, int window, int maxChunk) {
    if (closed) {
      throw new IllegalStateException("the slab is closed");
    }
    int needed = blocksNeeded(maxTokens, window, maxChunk);
    if (needed > layout.numBlocks()) {
      throw new IllegalArgumentException(
          "maxTokens %d needs %d blocks of %d tokens; the whole slab has %d"
              .formatted(maxTokens, needed, layout.blockTokens(), layout.numBlocks()));
    }
    if (!pool.tryReserve(needed)) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new KvLease(this, pool, layout.blockTokens(), needed, maxTokens, window, maxChunk));
    } catch (OutOfMemoryError e) {
      // No lease came of it, so nobody else would give the reservation back.
      pool.reset(NO_BLOCKS, window == 0, needed, ResetCause.FAILED);
      throw e;
    }
  }

  /// How far the beginning of a sequence is cached without a gap, as of now: a lease may find less, when blocks were wanted in between.
  ///
  /// @param keys of the sequence's tokens
  /// @param numTokens that were found before
  /// @param end the position to stop before at the latest
  /// @return whole blocks of tokens, at least `numTokens`
  public int numCachedTokens(BlockKeys keys, int numTokens, int end) {
    int block = numTokens / layout.blockTokens();
    int limit = Math.min(keys.size(), end / layout.blockTokens());
    while (block < limit && pool.isPublished(keys.get(block))) {
      block++;
    }
    return block * layout.blockTokens();
  }

  /// Evicts what is cached in scopes that are closed, and lets nobody find any more what of it is on lease.
  public void forgetClosedScopes() {
    pool.unpublishClosedScopes();
  }

  /// Whether a block is in no lease and may be found.
  boolean isCached(int block) {
    return pool.isCached(block);
  }

  /// May be called by any thread.
  public KvStats stats() {
    return pool.stats();
  }

  /// Frees the memory; harmless when it is freed already.
  ///
  /// @throws IllegalStateException when leases are open: with how many
  @Override
  public void close() {
    if (closed) {
      return;
    }
    KvStats stats = stats();
    if (stats.openLeases() > 0) {
      throw new IllegalStateException(
          "%d leases with %d blocks are open: close them before the slab"
              .formatted(stats.openLeases(), stats.leasedBlocks()));
    }
    closed = true;
    memory.close();
  }
}
