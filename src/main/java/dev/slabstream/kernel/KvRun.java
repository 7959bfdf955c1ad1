package dev.slabstream.kernel;

/// Consecutive positions of one sequence in a batch. Whoever makes up batches fills it in, and may use it again for another one;
/// kernels only read it.
public final class KvRun {
  private static final int[] NO_BLOCKS = {};

  private int[] blocks = NO_BLOCKS;
  private int firstToken;
  private int numTokens;
  private int startPosition;

  /// A run of no tokens.
  public KvRun() {}

  /// As [#set] says.
  public KvRun(int[] blocks, int firstToken, int numTokens, int startPosition) {
    set(blocks, firstToken, numTokens, startPosition);
  }

  /// @param blocks the sequence's block table: position `p` lies in block `blocks[p / blockTokens]`; the array may be longer than
  ///     needed, and entries before the window may be -1 (given back)
  /// @param firstToken row of the first of these tokens in the batch's activations
  /// @param numTokens how many tokens
  /// @param startPosition position of the first of them in its sequence
  public void set(int[] blocks, int firstToken, int numTokens, int startPosition) {
    this.blocks = blocks;
    this.firstToken = firstToken;
    this.numTokens = numTokens;
    this.startPosition = startPosition;
  }

  /// Lets go of the block table.
  public void clear() {
    set(NO_BLOCKS, 0, 0, 0);
  }

  public int[] blocks() {
    return blocks;
  }

  public int firstToken() {
    return firstToken;
  }

  public int numTokens() {
    return numTokens;
  }

  public int startPosition() {
    return startPosition;
  }
}
