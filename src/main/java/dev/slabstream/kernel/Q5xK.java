package dev.slabstream.kernel;

/// Q5_K: `f16 d, dmin; u8 scales[12]; u8 qh[32]; u8 qs[128]`: as Q4_K, and bit `g` of `qh[j]` is the fifth bit of element `j` of
/// group `g`.
final class Q5xK implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    Q4xK.scales(row, offset, scales, minima);
    for (int group = 0; group < Q4xK.GROUPS; group++) {
      int bytes = offset + 48 + group / 2 * Q4xK.GROUP;
      int shift = group % 2 * 4;
      for (int j = 0; j < Q4xK.GROUP; j++) {
        int high = ((row[offset + 16 + j] >> group) & 1) << 4;
        codes[group * Q4xK.GROUP + j] = (byte) (((row[bytes + j] >> shift) & 15) | high);
      }
    }
  }
}
