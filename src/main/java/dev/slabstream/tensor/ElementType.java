package dev.slabstream.tensor;

/// How the numbers of a tensor are stored: plain floats, or blocks of quantised weights as GGUF defines them.
///
/// A block type stores `blockElements` consecutive elements of one row in `blockBytes` bytes.
public enum ElementType {
  F32(1, 4),
  F16(1, 2),
  BF16(1, 2),
  Q4_0(32, 18),
  Q4_1(32, 20),
  Q5_0(32, 22),
  Q5_1(32, 24),
  Q8_0(32, 34),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210);

  private final int blockElements;
  private final int blockBytes;

  ElementType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  public int blockElements() {
    return blockElements;
  }

  public int blockBytes() {
    return blockBytes;
  }

  /// Bytes of `numElements` elements of one row; `numElements` must be a multiple of [#blockElements()].
  ///
  /// @throws IllegalArgumentException when it is not
  /// @throws ArithmeticException on overflow of 63 bits
  public long bytesOf(long numElements) {
    if (numElements < 0 || numElements % blockElements != 0) {
      throw new IllegalArgumentException(
          this + " stores blocks of " + blockElements + " elements; got " + numElements);
    }
    return Math.multiplyExact(numElements / blockElements, (long) blockBytes);
  }
}
