package dev.slabstream.kernel;

import dev.slabstream.tensor.Tensor;

/// @param backend which implementation
/// @param vectorBits 128, 256 or 512, or 0 for the machine's preferred width
/// @param threads number of threads that compute, the calling one included; at least 1
public record KernelSettings(KernelBackend backend, int vectorBits, int threads) {
  public KernelSettings {
    if (vectorBits != 0 && vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      throw new IllegalArgumentException(
          "vectorBits must be 0 (auto), 128, 256 or 512; got " + vectorBits);
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1; got " + threads);
    }
  }

  /// Bytes that the weight matrix `tensor` will take in memory, by its type and shape alone. Panels whose codes do not fit their
  /// type's format ([PanelPacker]) take more; [Kernels#packedBytes] says what it came to.
  public long packedBytes(Tensor tensor) {
    return backend == KernelBackend.ND4J
        ? tensor.numElements() * Float.BYTES
        : PackedPanels.Part.bytes(PanelFormat.of(tensor.type()), tensor.rows(), tensor.cols());
  }
}
