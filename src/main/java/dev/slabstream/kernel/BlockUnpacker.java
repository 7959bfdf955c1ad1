package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;

/// Takes one block of a quantised type apart (ggml's block layouts, `ggml-common.h`): the integer codes in the order of the row,
/// and scale and minimum of each group, such that a weight is `scale * (code + bias) + minimum` with the bias of the type's
/// [PanelFormat]. The numbers are little-endian.
interface BlockUnpacker {
  /// @param row the row's bytes; the block begins at `offset`
  /// @param codes one a weight
  /// @param scales one a group
  /// @param minima one a group; left alone by types without
  void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima);

  static BlockUnpacker of(ElementType type) {
    return switch (type) {
      case Q4_0 -> new Q4x0();
      case Q4_1 -> new Q4x1();
      case Q5_0 -> new Q5x0();
      case Q5_1 -> new Q5x1();
      case Q8_0 -> new Q8x0();
      case Q4_K -> new Q4xK();
      case Q5_K -> new Q5xK();
      case Q6_K -> new Q6xK();
      case F32, F16, BF16 -> throw new IllegalArgumentException(type + " has no blocks");
    };
  }

  static float half(byte[] row, int offset) {
    return Float.float16ToFloat((short) ((row[offset] & 0xFF) | (row[offset + 1] << 8)));
  }
}
