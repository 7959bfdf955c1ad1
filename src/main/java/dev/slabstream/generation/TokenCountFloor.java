package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;

/// A number of tokens that a text certainly has at least, found without tokenizing it: a megabyte
/// that cannot fit is refused before a second is spent on it.
///
/// Only ASCII letters and digits count. Nothing on the way to the tokens drops or merges those
/// (white space beside a special token, bytes without a token and decomposed characters may
/// vanish), so each lies in exactly one token, and a token covers no more of them than the most
/// that any entry of the vocabulary has. That needs every one of them to have a token of its own:
/// where one has none, the floor is 0 for every text.
final class TokenCountFloor {
  private final int mostPerToken;

  private TokenCountFloor(int mostPerToken) {
    this.mostPerToken = mostPerToken;
  }

  static TokenCountFloor of(Tokenizer tokenizer) {
    int most = 0;
    boolean[] alone = new boolean[128];
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      byte[] bytes = tokenizer.tokenBytes(id);
      int count = 0;
      for (byte b : bytes) {
        count += isCounted(b) ? 1 : 0;
      }
      if (bytes.length == 1 && count == 1) {
        alone[bytes[0]] = true;
      }
      // An entry may stand for more text than its bytes say: a special token.
      most = Math.max(most, Math.max(count, counted(tokenizer.token(id).orElse(""))));
    }
    for (int c = 0; c < 128; c++) {
      if (isCounted(c) && !alone[c]) {
        return new TokenCountFloor(Integer.MAX_VALUE);
      }
    }
    return new TokenCountFloor(most);
  }

  int tokensAtLeast(String text) {
    return counted(text) / mostPerToken;
  }

  private static int counted(String text) {
    int count = 0;
    for (int i = 0; i < text.length(); i++) {
      count += isCounted(text.charAt(i)) ? 1 : 0;
    }
    return count;
  }

  private static boolean isCounted(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }
}
