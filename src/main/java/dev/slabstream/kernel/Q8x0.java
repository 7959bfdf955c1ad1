package dev.slabstream.kernel;

/// Q8_0: `f16 d; i8 qs[32]`; weight `d * q`.
final class Q8x0 implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales[0] = BlockUnpacker.half(row, offset);
    System.arraycopy(row, offset + 2, codes, 0, 32);
  }
}
