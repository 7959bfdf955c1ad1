package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;

/// The text of single tokens, out of any stream: for listings of alternatives and prompt tokens,
/// and for special tokens. Bytes that are no character of their own show as U+FFFD. Thread-safe.
final class TokenTexts {
  private final Tokenizer tokenizer;

  TokenTexts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  String of(int id) {
    if (tokenizer.isSpecial(id)) {
      return tokenizer.token(id).orElse("");
    }
    return new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8);
  }
}
