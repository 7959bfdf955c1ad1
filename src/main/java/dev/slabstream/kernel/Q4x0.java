package dev.slabstream.kernel;

/// Q4_0: `f16 d; u8 qs[16]`; weight `d * (q - 8)`; byte `j` holds the codes of elements `j` (low) and `j + 16` (high).
final class Q4x0 implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales[0] = BlockUnpacker.half(row, offset);
    for (int j = 0; j < 16; j++) {
      int q = row[offset + 2 + j];
      codes[j] = (byte) (q & 15);
      codes[j + 16] = (byte) ((q >> 4) & 15);
    }
  }
}
