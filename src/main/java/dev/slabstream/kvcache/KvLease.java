package dev.slabstream.kvcache;

/// Blocks of the slab on lease to one sequence. Owned by the engine thread; ends exactly once.
///
/// The lease owns the block table and the position counter. [#close()] is the reset: blocks back, counter to 0. Closing twice is
/// harmless; using a closed lease throws.
public final class KvLease implements AutoCloseable {
  KvLease() {}

  /// The slab that its blocks lie in.
  public KvSlab slab() {
    throw new IllegalStateException();
  }

  /// Positions computed so far: the position counter.
  public int numComputedTokens() {
    throw new IllegalStateException();
  }

  /// Makes the next `numTokens` positions writable: takes blocks out of the reservation.
  public void extend(int numTokens) {
    throw new IllegalStateException();
  }

  /// Counts `numTokens` more positions as computed and gives back blocks that now lie outside the window of every layer.
  public void advance(int numTokens) {
    throw new IllegalStateException();
  }

  /// Block ids in position order: position `p` lies in entry `p / blockTokens`; -1 where the block went back. The live array:
  /// entries change with [#extend(int)] and [#advance(int)].
  public int[] blockTable() {
    throw new IllegalStateException();
  }

  /// Ends the lease, for the statistics with its cause.
  public void close(ResetCause cause) {}

  /// Ends the lease as cancelled.
  @Override
  public void close() {
    close(ResetCause.CANCELLED);
  }
}
