package dev.slabstream.tokenizer;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Finds added tokens in text: the leftmost first, of several at one place the longest. Immutable, thread-safe.
///
/// They are looked for in the text as it came, also those that a `tokenizer.json` wants to find in normalised text.
final class AddedTokens {
  /// Where a token was found, whitespace that it takes along included.
  record Match(int start, int end, int id) {}

  private static final class Node {
    final Map<Character, Node> next = new HashMap<>();
    @Nullable AddedToken token;
  }

  private final Node root = new Node();

  AddedTokens(Collection<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.content().isEmpty()) {
        continue;
      }
      Node node = root;
      for (int i = 0; i < token.content().length(); i++) {
        node = node.next.computeIfAbsent(token.content().charAt(i), c -> new Node());
      }
      node.token = token;
    }
  }

  /// The first match that begins at `from` or later, or null.
  @Nullable Match find(String text, int from) {
    int start = from;
    while (start < text.length()) {
      AddedToken token = longestAt(text, start);
      if (token == null) {
        start++;
        continue;
      }
      int end = start + token.content().length();
      if (token.singleWord() && touchesWord(text, start, end)) {
        start = end;
        continue;
      }
      return widen(text, from, start, end, token);
    }
    return null;
  }

  private @Nullable AddedToken longestAt(String text, int start) {
    AddedToken longest = null;
    Node node = root.next.get(text.charAt(start));
    int i = start;
    while (node != null) {
      if (node.token != null) {
        longest = node.token;
      }
      if (++i == text.length()) {
        break;
      }
      node = node.next.get(text.charAt(i));
    }
    return longest;
  }

  private static Match widen(String text, int from, int start, int end, AddedToken token) {
    int first = start;
    int last = end;
    while (token.lstrip() && first > from && isSpace(text.charAt(first - 1))) {
      first--;
    }
    while (token.rstrip() && last < text.length() && isSpace(text.charAt(last))) {
      last++;
    }
    return new Match(first, last, token.id());
  }

  private static boolean touchesWord(String text, int start, int end) {
    return start > 0 && isWord(text.codePointBefore(start))
        || end < text.length() && isWord(text.codePointAt(end));
  }

  private static boolean isWord(int codePoint) {
    return Character.isLetterOrDigit(codePoint) || codePoint == '_';
  }

  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }
}
