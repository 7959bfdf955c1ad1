package dev.slabstream.api;

/// Text that UTF-8 can carry.
final class WellFormed {
  private WellFormed() {}

  /// The same text with every lone surrogate replaced by U+FFFD: JSON may escape half a character,
  /// UTF-8 cannot write it.
  static String text(String text) {
    int i = 0;
    while (i < text.length() && !isLoneSurrogate(text, i)) {
      i += isPair(text, i) ? 2 : 1;
    }
    if (i == text.length()) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    for (int j = 0; j < text.length(); j++) {
      if (isPair(text, j)) {
        out.append(text, j, j + 2);
        j++;
      } else {
        out.append(isLoneSurrogate(text, j) ? '\uFFFD' : text.charAt(j));
      }
    }
    return out.toString();
  }

  private static boolean isPair(String text, int i) {
    return i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
  }

  private static boolean isLoneSurrogate(String text, int i) {
    return Character.isSurrogate(text.charAt(i)) && !isPair(text, i);
  }
}
