package dev.slabstream.kvcache;

import java.lang.foreign.MemorySegment;

/// The memory under the slab: allocated once, 64-byte aligned, freed once.
public interface SlabMemory extends AutoCloseable {
  /// The whole memory; using it after [#close()] throws.
  MemorySegment segment();

  @Override
  void close();

  /// An off-heap ND4J array, seen as a segment without a copy: what serves.
  static SlabMemory nd4j(long bytes) {
    return ArenaSlabMemory.allocate(bytes);
  }

  /// Plain off-heap memory, for tests that need no second of ND4J's start-up.
  static SlabMemory plain(long bytes) {
    return ArenaSlabMemory.allocate(bytes);
  }
}
