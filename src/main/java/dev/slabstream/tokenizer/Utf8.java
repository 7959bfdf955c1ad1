package dev.slabstream.tokenizer;

/// The bytes of a code point in UTF-8, one at a time and without allocation.
final class Utf8 {
  private Utf8() {}

  /// How many bytes `codePoint` takes, 1 to 4.
  static int length(int codePoint) {
    if (codePoint < 0x80) {
      return 1;
    }
    if (codePoint < 0x800) {
      return 2;
    }
    return codePoint < 0x10000 ? 3 : 4;
  }

  /// A byte of `codePoint`, counted from the last one (0).
  static int byteOf(int codePoint, int fromLast) {
    int bits = codePoint >>> 6 * fromLast;
    int length = length(codePoint);
    if (fromLast < length - 1) {
      return 0x80 | bits & 0x3F;
    }
    return switch (length) {
      case 1 -> bits;
      case 2 -> 0xC0 | bits;
      case 3 -> 0xE0 | bits;
      default -> 0xF0 | bits;
    };
  }
}
