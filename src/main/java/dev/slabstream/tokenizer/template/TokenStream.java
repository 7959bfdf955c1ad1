package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Token.Kind;
import java.util.List;

/// The tokens of a template, read one after the other, with the parser's depth.
final class TokenStream {
  private final String source;
  private final List<Token> tokens;
  private int next;
  private int depth;

  TokenStream(String source) {
    this.source = source;
    tokens = Lexer.tokenize(source);
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekSecond() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(next);
    if (token.kind() != Kind.END) {
      next++;
    }
    return token;
  }

  boolean isOperator(String text) {
    return peek().is(Kind.OPERATOR, text);
  }

  boolean isName(String text) {
    return peek().is(Kind.NAME, text);
  }

  boolean skipOperator(String text) {
    return skip(isOperator(text));
  }

  boolean skipName(String text) {
    return skip(isName(text));
  }

  private boolean skip(boolean matches) {
    if (matches) {
      next++;
    }
    return matches;
  }

  void expectOperator(String text) {
    if (!skipOperator(text)) {
      throw unexpected("'" + text + "'");
    }
  }

  void expectName(String text) {
    if (!skipName(text)) {
      throw unexpected("'" + text + "'");
    }
  }

  String expectName() {
    return expect(Kind.NAME, "a name").text();
  }

  Token expect(Kind kind, String what) {
    if (peek().kind() != kind) {
      throw unexpected(what);
    }
    return take();
  }

  ChatTemplateException unexpected(String expected) {
    return error(peek().at(), "expected " + expected + "; found " + peek().describe());
  }

  ChatTemplateException error(int at, String message) {
    return ChatTemplateException.at(source, at, message);
  }

  void enter() {
    if (++depth > Limits.PARSE_DEPTH) {
      throw error(peek().at(), "nested too deeply: more than " + Limits.PARSE_DEPTH + " levels");
    }
  }

  void leave() {
    depth--;
  }
}
