package dev.slabstream.tokenizer.template;

/// What Python counts as white space, and where its lines end.
final class PythonChars {
  private PythonChars() {}

  static boolean isSpace(int c) {
    return switch (c) {
      case ' ',
          '\t',
          '\n',
          0x0b,
          '\f',
          '\r',
          0x1c,
          0x1d,
          0x1e,
          0x1f,
          0x85,
          0xa0,
          0x1680,
          0x2028,
          0x2029,
          0x202f,
          0x205f,
          0x3000 ->
          true;
      default -> c >= 0x2000 && c <= 0x200a;
    };
  }

  /// A line's end for `str.splitlines`.
  static boolean isLineEnd(int c) {
    return switch (c) {
      case '\n', '\r', 0x0b, '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029 -> true;
      default -> false;
    };
  }

  /// The offset behind the spaces that begin at `from`.
  static int skipSpaces(String text, int from) {
    int i = from;
    while (i < text.length() && isSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }

  /// The offset at which the spaces before `to` begin.
  static int skipSpacesBack(String text, int from, int to) {
    int i = to;
    while (i > from && isSpace(text.charAt(i - 1))) {
      i--;
    }
    return i;
  }
}
