package dev.slabstream.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// How a vocabulary writes bytes and characters in its tokens.
enum TextForm {
  /// GPT-2's alphabet: each byte is one printable character (`Ġ` = space); a token is a string of them.
  BYTE_LEVEL,
  /// sentencepiece's: characters as they are, `▁` for the space, `<0x0A>` for a byte that has no character.
  SENTENCE_PIECE;

  static final char SPACE_MARK = '\u2581';

  /// The character that stands for each byte in GPT-2's alphabet (`bytes_to_unicode` of its `encoder.py`): printable Latin-1
  /// stands for itself, the other 68 bytes take U+0100 and up in order.
  private static final char[] CHAR_OF_BYTE = new char[256];

  private static final short[] BYTE_OF_CHAR = new short[256 + 68];

  static {
    Arrays.fill(BYTE_OF_CHAR, (short) -1);
    char next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      char c = printable ? (char) b : next++;
      CHAR_OF_BYTE[b] = c;
      BYTE_OF_CHAR[c] = (short) b;
    }
  }

  static char charOfByte(int b) {
    return CHAR_OF_BYTE[b];
  }

  /// The byte that a character of GPT-2's alphabet stands for, or -1.
  static int byteOfChar(char c) {
    return c < BYTE_OF_CHAR.length ? BYTE_OF_CHAR[c] : -1;
  }

  /// The byte that `<0x0A>` names, or -1 when the token is not written like that.
  static int namedByte(String token) {
    if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  static String nameOfByte(int b) {
    return String.format("<0x%02X>", b);
  }

  /// The bytes that a token of `kind` stands for.
  byte[] bytesOf(String token, TokenKind kind) {
    return switch (kind) {
      case SPECIAL, ADDED -> token.getBytes(StandardCharsets.UTF_8);
      case BYTE -> new byte[] {(byte) namedByte(token)};
      case NORMAL ->
          switch (this) {
            case BYTE_LEVEL -> byteLevel(token);
            case SENTENCE_PIECE -> token.replace(SPACE_MARK, ' ').getBytes(StandardCharsets.UTF_8);
          };
    };
  }

  /// A token with a character outside the alphabet is taken as plain text, as Hugging Face's decoder does.
  private static byte[] byteLevel(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int b = byteOfChar(token.charAt(i));
      if (b < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) b;
    }
    return bytes;
  }
}
