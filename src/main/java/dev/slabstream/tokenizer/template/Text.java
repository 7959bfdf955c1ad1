package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.ChatTemplate.Piece;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A string that knows, character by character, what came from the template and what came from elsewhere. Immutable.
///
/// ```
/// chars   <|im_start|>user\nHi
/// flips   0           12  16 17      template from 0, elsewhere from 12, template from 16, elsewhere from 17
/// ```
/// A text begins as "from elsewhere"; at each flip it changes. Flips ascend strictly and lie below the length.
///
/// Taking parts and joining keep provenance exactly. Whatever computes new characters ([#transformed]) makes a text that is
/// the template's only if all it was made of is.
///
/// Offsets are in UTF-16 units here; what a template sees ([#numCodePoints], [#codePoints]) counts code points, as Python does.
final class Text implements Value {
  static final Text EMPTY = new Text("", new int[0]);

  private final String chars;
  private final int[] flips;

  Text(String chars, int[] flips) {
    this.chars = chars;
    this.flips = flips;
  }

  static Text fromTemplate(String chars) {
    return chars.isEmpty() ? EMPTY : new Text(chars, new int[] {0});
  }

  static Text fromElsewhere(String chars) {
    return chars.isEmpty() ? EMPTY : new Text(chars, new int[0]);
  }

  /// As many as that; none if it is negative.
  static Text spaces(long count, Budget budget) {
    budget.chars(Math.max(0, count));
    return fromTemplate(" ".repeat((int) Math.max(0, count)));
  }

  String chars() {
    return chars;
  }

  int length() {
    return chars.length();
  }

  boolean isEmpty() {
    return chars.isEmpty();
  }

  int numCodePoints() {
    return chars.codePointCount(0, chars.length());
  }

  /// Whether nothing in it came from elsewhere.
  boolean isAllFromTemplate() {
    return chars.isEmpty() || (flips.length == 1 && flips[0] == 0);
  }

  Text substring(int from, int to) {
    if (from >= to) {
      return EMPTY;
    }
    if (from == 0 && to == chars.length()) {
      return this;
    }
    int before = 0;
    while (before < flips.length && flips[before] <= from) {
      before++;
    }
    int until = before;
    while (until < flips.length && flips[until] < to) {
      until++;
    }
    boolean startsFromTemplate = before % 2 == 1;
    int shift = startsFromTemplate ? 1 : 0;
    int[] part = new int[until - before + shift];
    for (int i = before; i < until; i++) {
      part[i - before + shift] = flips[i] - from;
    }
    return new Text(chars.substring(from, to), part);
  }

  Text substring(int from) {
    return substring(from, chars.length());
  }

  /// Every code point as a text of its own.
  List<Value> codePoints() {
    List<Value> parts = new ArrayList<>(chars.length());
    for (int i = 0; i < chars.length(); ) {
      int next = chars.offsetByCodePoints(i, 1);
      parts.add(substring(i, next));
      i = next;
    }
    return parts;
  }

  /// New characters that were computed from this text.
  Text transformed(String result) {
    return isAllFromTemplate() ? fromTemplate(result) : fromElsewhere(result);
  }

  /// The text as maximal pieces of one provenance.
  List<Piece> pieces() {
    List<Piece> pieces = new ArrayList<>(flips.length + 1);
    int start = 0;
    boolean fromTemplate = false;
    for (int flip : flips) {
      if (flip > start) {
        pieces.add(new Piece(chars.substring(start, flip), fromTemplate));
      }
      fromTemplate = !fromTemplate;
      start = flip;
    }
    if (start < chars.length()) {
      pieces.add(new Piece(chars.substring(start), fromTemplate));
    }
    return pieces;
  }

  /// Joins texts. Not thread-safe.
  static final class Builder {
    private final Budget budget;
    private final StringBuilder chars = new StringBuilder();
    private int[] flips = new int[8];
    private int numFlips;

    Builder(Budget budget) {
      this.budget = budget;
    }

    Builder append(Text text) {
      if (text.isEmpty()) {
        return this;
      }
      budget.checkLength((long) chars.length() + text.length());
      budget.chars(text.length());
      boolean endsFromTemplate = numFlips % 2 == 1;
      boolean startsFromTemplate = text.flips.length > 0 && text.flips[0] == 0;
      if (endsFromTemplate && !startsFromTemplate) {
        flip(chars.length());
      }
      for (int i = endsFromTemplate && startsFromTemplate ? 1 : 0; i < text.flips.length; i++) {
        flip(chars.length() + text.flips[i]);
      }
      chars.append(text.chars);
      return this;
    }

    Text build() {
      return chars.isEmpty() ? EMPTY : new Text(chars.toString(), Arrays.copyOf(flips, numFlips));
    }

    private void flip(int place) {
      if (numFlips == flips.length) {
        flips = Arrays.copyOf(flips, 2 * numFlips);
      }
      flips[numFlips++] = place;
    }
  }
}
