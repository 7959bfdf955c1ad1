package dev.slabstream.kvcache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Slab memory straight from the JDK.
record ArenaSlabMemory(Arena arena, MemorySegment segment) implements SlabMemory {
  @SuppressWarnings("MustBeClosedChecker") // closed with the memory
  static ArenaSlabMemory allocate(long bytes) {
    Arena arena = Arena.ofShared();
    return new ArenaSlabMemory(arena, arena.allocate(bytes, ALIGNMENT));
  }

  @Override
  public void close() {
    arena.close();
  }
}
