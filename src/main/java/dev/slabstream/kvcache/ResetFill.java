package dev.slabstream.kvcache;

/// What becomes of the numbers in a block that goes back to the slab.
public enum ResetFill {
  /// They stay until the next sequence writes over them: nothing reads them, so nothing is spent on them.
  KEEP,
  /// They become zero, so that nothing of a request is left in memory when it has ended.
  ZERO,
  /// They become NaN, and every block of a new slab holds NaN: for tests, where whatever reads a position that it has not written
  /// then shows in the result, and whatever writes to a block that it has not leased shows in the block.
  NAN
}
