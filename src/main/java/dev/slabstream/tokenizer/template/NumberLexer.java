package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Token.Kind;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the numbers that Jinja has: `1_000`, `0x1f`, `0o17`, `0b101`, `1.5`, `2e-3`.
record NumberLexer(String source, int start) {
  // Possessive throughout: the input is untrusted, and what backtracks recurses.
  private static final String DIGITS = "[0-9]++(?:_[0-9]++)*+";
  private static final String EXPONENT = "[eE][+-]?" + DIGITS;
  private static final Pattern FLOAT =
      Pattern.compile(DIGITS + "(?:\\." + DIGITS + "(?:" + EXPONENT + ")?|" + EXPONENT + ")");
  private static final Pattern INTEGER =
      Pattern.compile(
          "0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++|[1-9](?:_?[0-9])*+|0(?:_?0)*+");

  /// Adds the token; gives the offset behind it.
  int add(List<Token> tokens) {
    // The part behind a dot is an index there (`x.0.1`), never a fraction.
    boolean afterDot = !tokens.isEmpty() && tokens.getLast().is(Kind.OPERATOR, ".");
    Matcher matcher = FLOAT.matcher(source).region(start, source.length());
    if (!afterDot && matcher.lookingAt()) {
      tokens.add(new Token(Kind.FLOAT, matcher.group().replace("_", ""), start));
      return matcher.end();
    }
    matcher = INTEGER.matcher(source).region(start, source.length());
    if (!matcher.lookingAt()) {
      throw ChatTemplateException.at(source, start, "not a number");
    }
    tokens.add(
        new Token(Kind.INTEGER, Long.toString(value(matcher.group().replace("_", ""))), start));
    return matcher.end();
  }

  private long value(String digits) {
    int radix =
        switch (digits.length() < 2 ? ' ' : Character.toLowerCase(digits.charAt(1))) {
          case 'b' -> 2;
          case 'o' -> 8;
          case 'x' -> 16;
          default -> 10;
        };
    try {
      return Long.parseLong(radix == 10 ? digits : digits.substring(2), radix);
    } catch (NumberFormatException e) {
      throw ChatTemplateException.at(source, start, "an integer beyond 64 bits");
    }
  }
}
