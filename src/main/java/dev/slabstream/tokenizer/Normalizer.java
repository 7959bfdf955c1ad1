package dev.slabstream.tokenizer;

import java.text.Normalizer.Form;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a tokenizer does to the text between two added tokens before it is split.
sealed interface Normalizer {
  /// @param first whether nothing, not even an added token, comes before
  String normalize(String text, boolean first);

  record Unicode(Form form) implements Normalizer {
    @Override
    public String normalize(String text, boolean first) {
      return java.text.Normalizer.normalize(text, form);
    }
  }

  /// Puts text in front, if there is any text.
  ///
  /// @param unlessPresent not when the text begins with it already
  /// @param onlyFirst only at the very beginning
  record Prepend(String prefix, boolean unlessPresent, boolean onlyFirst) implements Normalizer {
    @Override
    public String normalize(String text, boolean first) {
      boolean skip =
          text.isEmpty() || onlyFirst && !first || unlessPresent && text.startsWith(prefix);
      return skip ? text : prefix + text;
    }
  }

  record Replace(String target, String replacement) implements Normalizer {
    @Override
    public String normalize(String text, boolean first) {
      return text.replace(target, replacement);
    }
  }

  record ReplacePattern(Pattern pattern, String replacement) implements Normalizer {
    @Override
    public String normalize(String text, boolean first) {
      return pattern.matcher(text).replaceAll(Matcher.quoteReplacement(replacement));
    }
  }

  record Lowercase() implements Normalizer {
    @Override
    public String normalize(String text, boolean first) {
      return text.toLowerCase(Locale.ROOT);
    }
  }

  record Sequence(List<Normalizer> steps) implements Normalizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public String normalize(String text, boolean first) {
      String result = text;
      for (Normalizer step : steps) {
        result = step.normalize(result, first);
      }
      return result;
    }
  }
}
