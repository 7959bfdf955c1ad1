package dev.slabstream.kernel;

/// Q4_K: `f16 d, dmin; u8 scales[12]; u8 qs[128]`: 8 groups of 32; weight `d * sc * q - dmin * m` with 6-bit `sc` and `m`. Each
/// 32 bytes of `qs` hold two groups, the even one in the low half of the bytes.
final class Q4xK implements BlockUnpacker {
  static final int GROUPS = 8;
  static final int GROUP = 32;

  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    scales(row, offset, scales, minima);
    for (int group = 0; group < GROUPS; group++) {
      int bytes = offset + 16 + group / 2 * GROUP;
      int shift = group % 2 * 4;
      for (int j = 0; j < GROUP; j++) {
        codes[group * GROUP + j] = (byte) ((row[bytes + j] >> shift) & 15);
      }
    }
  }

  /// `f16 d, dmin; u8 scales[12]` at `offset`. The 6-bit numbers of groups 0 to 3 are the low bits of bytes 0 to 3 (scales) and 4
  /// to 7 (minima); those of groups 4 to 7 have four bits in bytes 8 to 11 and two in the high bits of the former.
  static void scales(byte[] row, int offset, float[] scales, float[] minima) {
    float d = BlockUnpacker.half(row, offset);
    float dmin = BlockUnpacker.half(row, offset + 2);
    int bytes = offset + 4;
    for (int j = 0; j < 4; j++) {
      int scale = row[bytes + j] & 0xFF;
      int minimum = row[bytes + 4 + j] & 0xFF;
      int both = row[bytes + 8 + j] & 0xFF;
      scales[j] = d * (scale & 63);
      minima[j] = -(dmin * (minimum & 63));
      scales[j + 4] = d * ((both & 15) | (scale >> 6 << 4));
      minima[j + 4] = -(dmin * ((both >> 4) | (minimum >> 6 << 4)));
    }
  }
}
