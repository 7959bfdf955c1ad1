package dev.slabstream.kvcache;

import java.lang.foreign.MemorySegment;

/// The memory under the slab: allocated once, aligned to [#ALIGNMENT], freed once. Its owner (the slab) closes it, once.
public interface SlabMemory extends AutoCloseable {
  /// A cache line, and the widest vector: 64 bytes.
  int ALIGNMENT = 64;

  /// The whole memory, readable and writable by any thread; using it after [#close()] throws.
  MemorySegment segment();

  @Override
  void close();

  /// An off-heap ND4J array, seen as a segment without a copy: what serves. Takes its time, on whatever thread calls it: the first
  /// call in a process up to seconds (ND4J unpacks and links its native library), and each 0.4 s per GB, because ND4J fills the
  /// array with zeros. So every page is resident when it returns, and none is missing later. Start it beside the loading of the
  /// weights.
  ///
  /// @throws IllegalStateException when ND4J has no native library for this platform, or memory is not to be had
  static SlabMemory nd4j(long bytes) {
    return Nd4jSlabMemory.allocate(bytes);
  }

  /// Plain off-heap memory, for tests that need no second of ND4J's start-up.
  static SlabMemory plain(long bytes) {
    return ArenaSlabMemory.allocate(bytes);
  }
}
