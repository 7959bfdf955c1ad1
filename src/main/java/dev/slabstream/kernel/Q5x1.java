package dev.slabstream.kernel;

/// Q5_1: `f16 d, m; u32 qh; u8 qs[16]`; weight `d * q + m`, bits as in Q5_0.
final class Q5x1 implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales[0] = BlockUnpacker.half(row, offset);
    minima[0] = BlockUnpacker.half(row, offset + 2);
    Q5x0.fiveBits(row, offset + 4, codes, 0);
  }
}
