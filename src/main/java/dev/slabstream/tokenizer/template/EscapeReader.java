package dev.slabstream.tokenizer.template;

/// Reads an escape sequence of a string literal, as Python's `unicode-escape` has them.
record EscapeReader(String source, int start) {
  /// Appends what it stands for; gives the offset behind it. Unknown escapes stand for themselves, backslash included.
  int appendTo(StringBuilder value) {
    int at = start + 2;
    if (start + 1 >= source.length()) {
      throw error("a string that does not end");
    }
    char c = source.charAt(start + 1);
    switch (c) {
      case '\n' -> {}
      case 'n' -> value.append('\n');
      case 'r' -> value.append('\r');
      case 't' -> value.append('\t');
      case 'a' -> value.append((char) 7);
      case 'b' -> value.append('\b');
      case 'f' -> value.append('\f');
      case 'v' -> value.append((char) 11);
      case '\\', '\'', '"' -> value.append(c);
      case 'x' -> at = hex(value, 2);
      case 'u' -> at = hex(value, 4);
      case 'U' -> at = hex(value, 8);
      case '0', '1', '2', '3', '4', '5', '6', '7' -> {
        int octal = c - '0';
        while (at < start + 4
            && at < source.length()
            && source.charAt(at) >= '0'
            && source.charAt(at) <= '7') {
          octal = octal * 8 + source.charAt(at++) - '0';
        }
        value.append((char) octal);
      }
      default -> value.append('\\').append(c);
    }
    return at;
  }

  private int hex(StringBuilder value, int digits) {
    int from = start + 2;
    long code = 0;
    for (int i = from; i < from + digits; i++) {
      int digit = i < source.length() ? Character.digit(source.charAt(i), 16) : -1;
      if (digit < 0) {
        throw error("an escape that needs " + digits + " hexadecimal digits");
      }
      code = code * 16 + digit;
    }
    if (code > Character.MAX_CODE_POINT) {
      throw error("an escape beyond the last code point");
    }
    value.appendCodePoint((int) code);
    return from + digits;
  }

  private ChatTemplateException error(String message) {
    return ChatTemplateException.at(source, start, message);
  }
}
