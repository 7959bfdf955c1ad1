package dev.slabstream.kernel;

/// Q5_0: `f16 d; u32 qh; u8 qs[16]`; weight `d * (q - 16)`; bit `j` of `qh` is the fifth bit of element `j`, the other four lie as
/// in Q4_0. Codes come out signed.
final class Q5x0 implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales[0] = BlockUnpacker.half(row, offset);
    fiveBits(row, offset + 2, codes, 16);
  }

  /// `u32 qh; u8 qs[16]` at `offset`: the five-bit codes less `subtrahend`.
  static void fiveBits(byte[] row, int offset, byte[] codes, int subtrahend) {
    for (int j = 0; j < 16; j++) {
      int q = row[offset + 4 + j];
      codes[j] = (byte) (((q & 15) | highBit(row, offset, j)) - subtrahend);
      codes[j + 16] = (byte) ((((q >> 4) & 15) | highBit(row, offset, j + 16)) - subtrahend);
    }
  }

  private static int highBit(byte[] row, int offset, int element) {
    return ((row[offset + element / 8] >> (element % 8)) & 1) << 4;
  }
}
