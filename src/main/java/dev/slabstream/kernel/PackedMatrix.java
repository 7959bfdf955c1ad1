package dev.slabstream.kernel;

/// Weights in the layout that one backend reads: made by [Kernels#pack], valid until those kernels close.
public interface PackedMatrix {
  /// Outputs: the sum over all tensors that were packed together.
  int rows();

  /// Inputs.
  int cols();

  /// Bytes that one pass over the weights reads.
  long packedBytes();
}
