package dev.slabstream.generation;

import java.util.List;

/// Finds stop strings in a text that comes in pieces. One per stream; not thread-safe.
///
/// One Knuth–Morris–Pratt automaton for each of the few strings: after every character it knows how
/// much of its string the text ends with. So a match is found at its last character whatever the
/// borders of the pieces, and the longest such beginning is what has to be held back.
///
/// Of several strings the one that is complete first wins; of those complete at the same character,
/// the longest.
final class StopMatcher {
  private final String[] stops;
  private final int[][] borders;
  private final int[] matched;

  StopMatcher(List<String> stops) {
    this.stops = stops.toArray(String[]::new);
    this.borders = new int[this.stops.length][];
    this.matched = new int[this.stops.length];
    for (int s = 0; s < this.stops.length; s++) {
      borders[s] = borders(this.stops[s]);
    }
  }

  /// Takes the next character.
  ///
  /// @return the length of the stop string that is complete with it, or 0
  int next(char c) {
    int longest = 0;
    for (int s = 0; s < stops.length; s++) {
      String stop = stops[s];
      int m = matched[s];
      while (m > 0 && (m == stop.length() || stop.charAt(m) != c)) {
        m = borders[s][m - 1];
      }
      if (stop.charAt(m) == c) {
        m++;
      }
      matched[s] = m;
      if (m == stop.length()) {
        longest = Math.max(longest, m);
      }
    }
    return longest;
  }

  /// How many characters at the end of the text may be the beginning of a stop string.
  int heldBack() {
    int most = 0;
    for (int m : matched) {
      most = Math.max(most, m);
    }
    return most;
  }

  /// Entry i: the length of the longest proper prefix of `text` that is a suffix of its first i + 1
  /// characters.
  private static int[] borders(String text) {
    int[] borders = new int[text.length()];
    for (int i = 1, b = 0; i < text.length(); i++) {
      while (b > 0 && text.charAt(i) != text.charAt(b)) {
        b = borders[b - 1];
      }
      if (text.charAt(i) == text.charAt(b)) {
        b++;
      }
      borders[i] = b;
    }
    return borders;
  }
}
