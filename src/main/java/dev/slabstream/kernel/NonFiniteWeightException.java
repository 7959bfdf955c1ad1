package dev.slabstream.kernel;

/// A weight, or the scale of a block of weights, is NaN or infinite.
public final class NonFiniteWeightException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public NonFiniteWeightException(String tensor, long byteOffset, String found) {
    super(
        tensor
            + ": expected finite weights; found "
            + found
            + " at byte "
            + byteOffset
            + " of its data");
  }
}
