package dev.slabstream.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The tokens of a model by id: how they are written, what bytes they stand for, which are special. Immutable, thread-safe.
/// An id may be a hole, without token and without text.
final class Vocabulary {
  /// More ids than any model has; a bound for what a file may claim.
  static final int MAX_SIZE = 1 << 22;

  /// Longer than any token of a real model; a bound for what building the merges may cost.
  static final int MAX_TOKEN_CHARS = 8192;

  private final @Nullable String[] tokens;
  private final TokenKind[] kinds;
  private final byte[] bytes;
  private final int[] offsets;
  private final BitSet special;
  private final Map<String, Integer> ids;
  private final TextForm form;

  private Vocabulary(Builder builder) {
    int size = builder.size;
    form = builder.form;
    tokens = Arrays.copyOf(builder.tokens, size);
    kinds = Arrays.copyOf(builder.kinds, size);
    ids = builder.ids;
    special = new BitSet(size);
    offsets = new int[size + 1];
    byte[] all = new byte[size * 8 + 64];
    int end = 0;
    for (int id = 0; id < size; id++) {
      String token = tokens[id];
      if (token != null) {
        byte[] own = form.bytesOf(token, kinds[id]);
        if (all.length - end < own.length) {
          all = Arrays.copyOf(all, Math.max(end + own.length, end + (end >> 1)));
        }
        System.arraycopy(own, 0, all, end, own.length);
        end += own.length;
        special.set(id, kinds[id] == TokenKind.SPECIAL);
      }
      offsets[id + 1] = end;
    }
    bytes = Arrays.copyOf(all, end);
  }

  /// The id, if it is one of a model with `vocabSize` ids.
  static int check(int id, int vocabSize) {
    if (id < 0 || id >= vocabSize) {
      throw new IllegalArgumentException("id: must be 0 to " + (vocabSize - 1) + ", is " + id);
    }
    return id;
  }

  TextForm form() {
    return form;
  }

  /// One more than the highest id.
  int size() {
    return tokens.length;
  }

  @Nullable String token(int id) {
    return id >= 0 && id < tokens.length ? tokens[id] : null;
  }

  TokenKind kind(int id) {
    return kinds[id];
  }

  /// The id of `token`, or -1.
  int id(String token) {
    return ids.getOrDefault(token, -1);
  }

  boolean isSpecial(int id) {
    return special.get(id);
  }

  byte[] bytes(int id) {
    return id < tokens.length
        ? Arrays.copyOfRange(bytes, offsets[id], offsets[id + 1])
        : new byte[0];
  }

  /// Feeds the bytes of `id` to a decoder.
  void decode(int id, Utf8Decoder utf8, StringBuilder out) {
    if (id < tokens.length) {
      utf8.decode(bytes, offsets[id], offsets[id + 1] - offsets[id], out);
    }
  }

  /// Collects the tokens of a file and refuses what contradicts itself.
  static final class Builder {
    private final TextForm form;
    private @Nullable String[] tokens = new String[1024];
    private TokenKind[] kinds = new TokenKind[1024];
    private final Map<String, Integer> ids;
    private int size;

    Builder(TextForm form, int expectedTokens) {
      this.form = form;
      this.ids = HashMap.newHashMap(expectedTokens);
    }

    /// Adds a token.
    ///
    /// @param where where the file says so; asked only for an error
    void add(Supplier<String> where, long id, String token, TokenKind kind) {
      if (id < 0 || id >= MAX_SIZE) {
        throw malformed(where, "an id of 0 to " + (MAX_SIZE - 1), String.valueOf(id));
      }
      if (token.length() > MAX_TOKEN_CHARS) {
        throw malformed(
            where,
            "a token of at most " + MAX_TOKEN_CHARS + " characters",
            String.valueOf(token.length()));
      }
      if (Surrogates.firstLone(token) >= 0) {
        throw malformed(where, "Unicode text", "a lone surrogate");
      }
      if (kind == TokenKind.BYTE && TextForm.namedByte(token) < 0) {
        throw malformed(where, "a byte token such as <0x0A>", "`" + token + "`");
      }
      int slot = (int) id;
      grow(slot + 1);
      String other = tokens[slot];
      if (other != null) {
        throw malformed(
            where,
            "one token for each id",
            "id " + id + " for `" + other + "` and `" + token + "`");
      }
      Integer otherId = ids.putIfAbsent(token, slot);
      if (otherId != null) {
        throw malformed(
            where, "each token once", "`" + token + "` as id " + otherId + " and as " + id);
      }
      tokens[slot] = token;
      kinds[slot] = kind;
      size = Math.max(size, slot + 1);
    }

    private static MalformedTokenizerException malformed(
        Supplier<String> where, String expected, String found) {
      return new MalformedTokenizerException(where.get(), expected, found);
    }

    /// The id of a token added so far, or -1.
    int id(String token) {
      return ids.getOrDefault(token, -1);
    }

    void setKind(int id, TokenKind kind) {
      kinds[id] = kind;
    }

    Vocabulary build() {
      return new Vocabulary(this);
    }

    private void grow(int needed) {
      if (needed > tokens.length) {
        int capacity = Math.max(needed, tokens.length * 2);
        tokens = Arrays.copyOf(tokens, capacity);
        kinds = Arrays.copyOf(kinds, capacity);
      }
    }
  }
}
