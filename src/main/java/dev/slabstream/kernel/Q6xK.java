package dev.slabstream.kernel;

/// Q6_K: `u8 ql[128]; u8 qh[64]; i8 scales[16]; f16 d`: 16 groups of 16; weight `d * sc * (q - 32)`.
///
/// Each half of the block (128 elements, 64 bytes of `ql`, 32 of `qh`) is four runs of 32: run `r` has its low four bits in bytes
/// `32 * (r % 2) ..` of `ql`, high half of the bytes for `r >= 2`, and its high two bits at bit `2 * r` of `qh`. Codes come out
/// signed.
final class Q6xK implements BlockUnpacker {
  @Override
  public void unpack(byte[] row, int offset, byte[] codes, float[] scales, float[] minima) {
    float d = BlockUnpacker.half(row, offset + 208);
    for (int group = 0; group < 16; group++) {
      scales[group] = d * row[offset + 192 + group];
    }
    for (int run = 0; run < 8; run++) {
      int half = run / 4;
      int r = run % 4;
      int low = offset + half * 64 + r % 2 * 32;
      int high = offset + 128 + half * 32;
      for (int j = 0; j < 32; j++) {
        int lowBits = (row[low + j] >> (r / 2 * 4)) & 15;
        int highBits = (row[high + j] >> (2 * r)) & 3;
        codes[run * 32 + j] = (byte) ((lowBits | highBits << 4) - 32);
      }
    }
  }
}
