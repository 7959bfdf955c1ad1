package dev.slabstream.tokenizer;

/// UTF-16 that does not pair up.
final class Surrogates {
  private Surrogates() {}

  /// The index of the first surrogate without its other half, or -1.
  static int firstLone(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }

  /// The text with U+FFFD for every lone surrogate.
  static String replaceLone(String text) {
    int from = firstLone(text);
    if (from < 0) {
      return text;
    }
    char[] chars = text.toCharArray();
    for (int i = from; i < chars.length; i++) {
      if (Character.isSurrogate(chars[i])) {
        if (Character.isHighSurrogate(chars[i])
            && i + 1 < chars.length
            && Character.isLowSurrogate(chars[i + 1])) {
          i++;
        } else {
          chars[i] = '\uFFFD';
        }
      }
    }
    return new String(chars);
  }
}
