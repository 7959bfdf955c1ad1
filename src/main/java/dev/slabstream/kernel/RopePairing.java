package dev.slabstream.kernel;

/// Which two elements of a head are rotated together (RoFormer, arXiv:2104.09864, and its two conventions).
public enum RopePairing {
  /// (2i, 2i + 1): GGUF files of the llama architecture.
  INTERLEAVED,
  /// (i, i + headDim / 2): Hugging Face files, and GGUF files of qwen3.
  HALVES
}
