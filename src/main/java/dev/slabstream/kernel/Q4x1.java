package dev.slabstream.kernel;

/// Q4_1: `f16 d, m; u8 qs[16]`; weight `d * q + m`; byte `j` holds the codes of elements `j` (low) and `j + 16` (high).
final class Q4x1 implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales[0] = BlockUnpacker.half(row, offset);
    minima[0] = BlockUnpacker.half(row, offset + 2);
    for (int j = 0; j < 16; j++) {
      int q = row[offset + 4 + j];
      codes[j] = (byte) (q & 15);
      codes[j + 16] = (byte) ((q >> 4) & 15);
    }
  }
}
