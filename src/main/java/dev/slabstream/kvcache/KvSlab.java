package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// The one slab of keys and values.
public final class KvSlab implements AutoCloseable {
  private final KvLayout layout;
  private final SlabMemory memory;

  /// Takes over `memory`, which must hold `layout.slabBytes()`; [#close()] frees it.
  public KvSlab(KvLayout layout, SlabMemory memory) {
    this.layout = layout;
    this.memory = memory;
  }

  public KvLayout layout() {
    return layout;
  }

  public MemorySegment segment() {
    return memory.segment();
  }

  /// How many blocks a sequence of `maxTokens` positions must reserve.
  ///
  /// @param window positions that some layer still needs, 0 = all (then blocks never go back early)
  /// @param maxChunk the largest number of positions computed in one step
  public int blocksNeeded(int maxTokens, int window, int maxChunk) {
    throw new IllegalStateException();
  }

  /// Reserves room for `maxTokens` positions; empty when there is no room now.
  ///
  /// @throws IllegalArgumentException when the slab could never hold it, even empty
  public Optional<KvLease> lease(int maxTokens, int window, int maxChunk) {
    throw new IllegalStateException();
  }

  /// May be called by any thread.
  public KvStats stats() {
    throw new IllegalStateException();
  }

  /// Frees the memory.
  ///
  /// @throws IllegalStateException when leases are open: with how many
  @Override
  public void close() {
    memory.close();
  }
}
