package dev.slabstream.tokenizer;

/// Decodes UTF-8 byte by byte. Every maximal invalid part becomes one U+FFFD, as the Unicode Standard (3.9, "U+FFFD
/// Substitution of Maximal Subparts") and the WHATWG's decoder have it, and it is put out with the first byte that makes it
/// certain. The JDK's own decoder differs: it takes an encoded surrogate (`ED A0 80`) as one invalid part, not three.
///
/// One stream, one thread.
final class Utf8Decoder {
  private static final char REPLACEMENT = '\uFFFD';

  private int codePoint;
  private int missing;
  private int lowest = 0x80;
  private int highest = 0xBF;

  /// Appends the characters that are certain after `count` bytes from `offset`.
  void decode(byte[] bytes, int offset, int count, StringBuilder out) {
    for (int i = offset; i < offset + count; i++) {
      decode(bytes[i] & 0xFF, out);
    }
  }

  /// Whether the bytes so far end within a character.
  boolean isUnfinished() {
    return missing > 0;
  }

  /// Appends U+FFFD when a sequence is unfinished; afterwards the decoder is as new.
  void finish(StringBuilder out) {
    if (missing > 0) {
      reset();
      out.append(REPLACEMENT);
    }
  }

  private void decode(int b, StringBuilder out) {
    if (missing > 0) {
      if (b >= lowest && b <= highest) {
        lowest = 0x80;
        highest = 0xBF;
        codePoint = codePoint << 6 | b & 0x3F;
        if (--missing == 0) {
          out.appendCodePoint(codePoint);
        }
        return;
      }
      reset();
      out.append(REPLACEMENT);
    }
    begin(b, out);
  }

  private void begin(int b, StringBuilder out) {
    if (b < 0x80) {
      out.append((char) b);
    } else if (b >= 0xC2 && b <= 0xDF) {
      expect(1, b & 0x1F);
    } else if (b >= 0xE0 && b <= 0xEF) {
      expect(2, b & 0x0F);
      lowest = b == 0xE0 ? 0xA0 : 0x80; // below would be overlong
      highest = b == 0xED ? 0x9F : 0xBF; // above would be a surrogate
    } else if (b >= 0xF0 && b <= 0xF4) {
      expect(3, b & 0x07);
      lowest = b == 0xF0 ? 0x90 : 0x80;
      highest = b == 0xF4 ? 0x8F : 0xBF; // above would pass U+10FFFF
    } else {
      out.append(REPLACEMENT);
    }
  }

  private void expect(int bytes, int bits) {
    missing = bytes;
    codePoint = bits;
  }

  private void reset() {
    missing = 0;
    lowest = 0x80;
    highest = 0xBF;
  }
}
