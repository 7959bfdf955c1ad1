package dev.slabstream.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Text to token ids and back, for one vocabulary. Thread-safe; lives as long as the process serves the model.
public interface Tokenizer extends AutoCloseable {
  enum SpecialTokens {
    /// Special and added tokens in the text are recognised, as in a raw prompt.
    RECOGNISED,
    /// They are plain text, as in what a user wrote inside a chat message.
    AS_TEXT
  }

  /// Encodes without adding anything, and drops only what the vocabulary has no token for, not even for its bytes; see [#bosId()] for what a prompt begins with. Never truncates.
  /// Lone surrogates in `text` are taken as U+FFFD.
  int[] encode(String text, SpecialTokens specialTokens);

  /// A piece of a prompt that is made of several, such as a rendered chat.
  record Part(String text, SpecialTokens specialTokens) {}

  /// Encodes parts as one text, so that tokens may reach across their borders; a special token is recognised only where it lies
  /// in [SpecialTokens#RECOGNISED] parts altogether.
  default int[] encode(List<Part> parts) {
    return parts.stream()
        .flatMapToInt(part -> Arrays.stream(encode(part.text(), part.specialTokens())))
        .toArray();
  }

  /// Decodes: the bytes of all tokens in a row, in which every maximal invalid part becomes one U+FFFD. Nothing else is changed;
  /// a space that a sentencepiece-style tokenizer put before the text stays there, so that a continuation keeps its own.
  ///
  /// @throws IllegalArgumentException for an id outside `[0, vocabSize)`
  String decode(int[] ids, boolean skipSpecial);

  /// The bytes that `id` stands for; empty for an id without text.
  byte[] tokenBytes(int id);

  /// The token as the vocabulary writes it (`Ġthe`), for listings.
  Optional<String> token(int id);

  OptionalInt tokenId(String token);

  boolean isSpecial(int id);

  int vocabSize();

  /// The id that a prompt begins with, when the model says that one is to be added.
  OptionalInt bosId();

  /// A detokenizer for one stream.
  StreamDecoder streamDecoder(boolean skipSpecial);

  /// Frees what the tokenizer holds outside the heap; those of [TokenizerDefinition] hold nothing there.
  @Override
  void close();
}
