package dev.slabstream.tokenizer;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Cuts text into the pieces within which merging happens.
sealed interface PreTokenizer {
  /// Receives the pieces in order.
  @FunctionalInterface
  interface Pieces {
    void piece(int start, int end);
  }

  /// Cuts `text[start, end)`; what lies outside is not seen, not even by a look-ahead.
  void split(String text, int start, int end, Pieces pieces);

  /// Compiles a pattern as the files mean it: Oniguruma's Ruby syntax over Unicode, where `\s`, `\d` and `\w` are Unicode
  /// classes, `^` and `$` stand at lines and only `\n` ends one.
  static Pattern compile(String where, String regex) {
    try {
      return Pattern.compile(
          regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES);
    } catch (PatternSyntaxException e) {
      throw new MalformedTokenizerException(
          where, "a pattern that can be compiled", "`" + regex + "`: " + e.getDescription());
    }
  }

  /// The JDK's matcher recurses where a group repeats. None of the named patterns has such a group, but a file's own may, and a
  /// long text must not end the process then.
  private static boolean findNext(Matcher matcher) {
    try {
      return matcher.find();
    } catch (StackOverflowError e) {
      throw new IllegalArgumentException(
          "text: too long for this tokenizer's pattern `" + matcher.pattern() + "`", e);
    }
  }

  /// One piece.
  record Whole() implements PreTokenizer {
    @Override
    public void split(String text, int start, int end, Pieces pieces) {
      if (start < end) {
        pieces.piece(start, end);
      }
    }
  }

  /// Every match is a piece, and so is what lies between two.
  record Matches(Pattern pattern) implements PreTokenizer {
    @Override
    public void split(String text, int start, int end, Pieces pieces) {
      Matcher matcher = pattern.matcher(text).region(start, end);
      int done = start;
      while (findNext(matcher)) {
        if (matcher.start() > done) {
          pieces.piece(done, matcher.start());
        }
        if (matcher.end() > matcher.start()) {
          pieces.piece(matcher.start(), matcher.end());
        }
        done = matcher.end();
      }
      if (done < end) {
        pieces.piece(done, end);
      }
    }
  }

  /// Every match is a piece; what lies between two is left out.
  record OnlyMatches(Pattern pattern) implements PreTokenizer {
    @Override
    public void split(String text, int start, int end, Pieces pieces) {
      Matcher matcher = pattern.matcher(text).region(start, end);
      while (findNext(matcher)) {
        if (matcher.end() > matcher.start()) {
          pieces.piece(matcher.start(), matcher.end());
        }
      }
    }
  }

  /// A new piece begins at every `mark`.
  record BeforeEach(char mark) implements PreTokenizer {
    @Override
    public void split(String text, int start, int end, Pieces pieces) {
      int from = start;
      for (int i = start + 1; i < end; i++) {
        if (text.charAt(i) == mark) {
          pieces.piece(from, i);
          from = i;
        }
      }
      if (from < end) {
        pieces.piece(from, end);
      }
    }
  }

  /// One after the other, each within the pieces of the one before.
  record Sequence(List<PreTokenizer> steps) implements PreTokenizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public void split(String text, int start, int end, Pieces pieces) {
      step(0, text, start, end, pieces);
    }

    private void step(int index, String text, int start, int end, Pieces pieces) {
      PreTokenizer step = steps.get(index);
      if (index == steps.size() - 1) {
        step.split(text, start, end, pieces);
      } else {
        step.split(text, start, end, (s, e) -> step(index + 1, text, s, e, pieces));
      }
    }

    /// The simplest form of some steps.
    static PreTokenizer of(List<PreTokenizer> steps) {
      return switch (steps.size()) {
        case 0 -> new Whole();
        case 1 -> steps.getFirst();
        default -> new Sequence(steps);
      };
    }
  }
}
