package dev.slabstream.kernel;

/// The implementations of [Kernels] that can be asked for.
public enum KernelBackend {
  /// The vector backend if its module is there, else the scalar one, with a warning that names the flag.
  AUTO,
  /// SIMD through the Vector API; the default.
  VECTOR,
  /// The readable reference; equals VECTOR bit for bit.
  SCALAR,
  /// ND4J with OpenBLAS: an independent witness, equal to the others within a tolerance only.
  ND4J
}
