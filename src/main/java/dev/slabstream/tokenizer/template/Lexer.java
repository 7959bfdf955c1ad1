package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Splits a template into tokens, as Jinja does with `trim_blocks` and `lstrip_blocks` on: the first newline after a block
/// or a comment goes, and so do the spaces before it if nothing else stands on the line; `-` strips all white space on its
/// side, `+` keeps it.
final class Lexer {
  private static final List<String> OPERATORS =
      List.of(
          "==", "!=", ">=", "<=", "//", "**", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  /// Whether the tag before ended its line, so that spaces which follow begin a line.
  private boolean atLineStart = true;

  private Lexer(String source) {
    this.source = source;
  }

  /// Line ends become `\n`, and one at the very end goes.
  static String normalise(String source) {
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    return lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  /// @param source a normalised template; offsets of tokens are in it
  static List<Token> tokenize(String source) {
    Lexer lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        data(at, source.length());
        at = source.length();
        break;
      }
      int dataStart = at;
      int dataEnd = tag;
      char kind = source.charAt(tag + 1);
      at = tag + 2;
      char sign = at < source.length() ? source.charAt(at) : ' ';
      if (sign == '-') {
        at++;
        dataEnd = PythonChars.skipSpacesBack(source, dataStart, tag);
      } else if (sign == '+') {
        at++;
      } else if (kind != '{') {
        dataEnd = withoutIndent(dataStart, tag);
      }
      data(dataStart, dataEnd);
      switch (kind) {
        case '#' -> comment(tag);
        case '%' -> block(tag);
        default -> {
          add(Kind.PRINT_BEGIN, "{{", tag);
          expression(tag, "}}", Kind.PRINT_END);
        }
      }
    }
    add(Kind.END, "", source.length());
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at);
        i >= 0 && i + 1 < source.length();
        i = source.indexOf('{', i + 1)) {
      char next = source.charAt(i + 1);
      if (next == '{' || next == '%' || next == '#') {
        return i;
      }
    }
    return -1;
  }

  private int withoutIndent(int dataStart, int tag) {
    int lineStart = source.lastIndexOf('\n', tag - 1) + 1;
    if (lineStart <= dataStart) {
      if (!atLineStart) {
        return tag;
      }
      lineStart = dataStart;
    }
    return PythonChars.skipSpacesBack(source, lineStart, tag) == lineStart ? lineStart : tag;
  }

  private void data(int from, int to) {
    if (from < to) {
      add(Kind.DATA, source.substring(from, to), from);
    }
  }

  private void comment(int tag) {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw error(tag, "a comment that does not end");
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    at = end + 2;
    closed(sign, true);
  }

  private void block(int tag) {
    int name = PythonChars.skipSpaces(source, at);
    if (source.startsWith("raw", name)) {
      int end = PythonChars.skipSpaces(source, name + 3);
      char sign = end < source.length() ? source.charAt(end) : ' ';
      int close = sign == '-' ? end + 1 : end;
      if (source.startsWith("%}", close)) {
        at = close + 2;
        closed(sign, false);
        raw(tag);
        return;
      }
    }
    add(Kind.BLOCK_BEGIN, "{%", tag);
    expression(tag, "%}", Kind.BLOCK_END);
  }

  private void raw(int tag) {
    int dataStart = at;
    for (int begin = source.indexOf("{%", at);
        begin >= 0;
        begin = source.indexOf("{%", begin + 2)) {
      int name = begin + 2;
      char openSign = name < source.length() ? source.charAt(name) : ' ';
      name = PythonChars.skipSpaces(source, openSign == '-' || openSign == '+' ? name + 1 : name);
      if (!source.startsWith("endraw", name)) {
        continue;
      }
      int end = PythonChars.skipSpaces(source, name + 6);
      char closeSign = end < source.length() ? source.charAt(end) : ' ';
      int close = closeSign == '-' || closeSign == '+' ? end + 1 : end;
      if (!source.startsWith("%}", close)) {
        continue;
      }
      int dataEnd = begin;
      if (openSign == '-') {
        dataEnd = PythonChars.skipSpacesBack(source, dataStart, begin);
      } else if (openSign != '+') {
        dataEnd = withoutIndent(dataStart, begin);
      }
      data(dataStart, dataEnd);
      at = close + 2;
      closed(closeSign, true);
      return;
    }
    throw error(tag, "a raw block that does not end");
  }

  /// After a tag whose end has been read: white space that belongs to it.
  private void closed(char sign, boolean trimsNewline) {
    int end = at;
    if (sign == '-') {
      at = PythonChars.skipSpaces(source, at);
    } else if (trimsNewline && sign != '+' && source.startsWith("\n", at)) {
      at++;
    }
    atLineStart = at > end && source.charAt(at - 1) == '\n';
  }

  private void expression(int tag, String endMark, Kind endKind) {
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      at = PythonChars.skipSpaces(source, at);
      if (at >= source.length()) {
        throw error(tag, "a tag that does not end: '" + endMark + "' is missing");
      }
      char c = source.charAt(at);
      if (open.isEmpty() && isEnd(c, endMark)) {
        add(endKind, endMark, at);
        char sign = c == '-' || c == '+' ? c : ' ';
        at += sign == ' ' ? 2 : 3;
        closed(sign, endKind == Kind.BLOCK_END);
        return;
      }
      if (c == '"' || c == '\'') {
        string(c);
      } else if (isDigit(c)) {
        at = new NumberLexer(source, at).add(tokens);
      } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
        int start = at;
        while (at < source.length()
            && Character.isUnicodeIdentifierPart(source.charAt(at))
            && !Character.isIdentifierIgnorable(source.charAt(at))) {
          at++;
        }
        add(Kind.NAME, source.substring(start, at), start);
      } else {
        operator(open);
      }
    }
  }

  private boolean isEnd(char c, String endMark) {
    boolean signed = c == '-' || (c == '+' && endMark.equals("%}"));
    return source.startsWith(endMark, signed ? at + 1 : at);
  }

  private void operator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        char c = operator.charAt(0);
        switch (c) {
          case '(' -> open.push(')');
          case '[' -> open.push(']');
          case '{' -> open.push('}');
          case ')', ']', '}' -> {
            if (open.isEmpty() || open.pop() != c) {
              throw error(at, "unexpected '" + c + "'");
            }
          }
          default -> {}
        }
        add(Kind.OPERATOR, operator, at);
        at += operator.length();
        return;
      }
    }
    throw error(at, "unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
  }

  private void string(char quote) {
    int start = at++;
    StringBuilder value = new StringBuilder();
    while (at < source.length() && source.charAt(at) != quote) {
      char c = source.charAt(at);
      if (c == '\\') {
        at = new EscapeReader(source, at).appendTo(value);
      } else {
        value.append(c);
        at++;
      }
    }
    if (at >= source.length()) {
      throw error(start, "a string that does not end");
    }
    at++;
    add(Kind.STRING, value.toString(), start);
  }

  static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private void add(Kind kind, String text, int offset) {
    tokens.add(new Token(kind, text, offset));
  }

  private ChatTemplateException error(int offset, String message) {
    return ChatTemplateException.at(source, offset, message);
  }
}
