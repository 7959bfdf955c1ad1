package dev.slabstream.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// A tokenizer as a model file describes it, read and checked, before it is decided what a prompt begins with. Immutable,
/// thread-safe; the tokenizers built from it share its tables.
public final class TokenizerDefinition {
  /// For [#build]: nothing is put in front of a prompt.
  public static final int NO_BOS = -1;

  private final BpeModel model;
  private final Normalizer normalizer;
  private final PreTokenizer preTokenizer;
  private final AddedTokens addedTokens;
  private final int templateBos;

  /// @param templateBos the id that the file's post-processor puts in front, or -1
  TokenizerDefinition(
      BpeModel model,
      Normalizer normalizer,
      PreTokenizer preTokenizer,
      List<AddedToken> addedTokens,
      int templateBos) {
    this.model = model;
    this.normalizer = normalizer;
    this.preTokenizer = preTokenizer;
    this.addedTokens = new AddedTokens(new ArrayList<>(addedTokens));
    this.templateBos = templateBos;
  }

  /// Reads a `tokenizer.json` of Hugging Face's tokenizers: byte-pair encoding, byte-level or sentencepiece-style.
  ///
  /// @throws MalformedTokenizerException when it is malformed, or of a kind that is not supported
  public static TokenizerDefinition ofJson(byte[] tokenizerJson) {
    return new TokenizerJson().read(tokenizerJson);
  }

  /// Makes a tokenizer of the vocabulary in a GGUF file.
  ///
  /// @throws MalformedTokenizerException when it is malformed, or of a kind that is not supported
  public static TokenizerDefinition ofGguf(GgufVocabulary vocabulary) {
    return new GgufTokenizer(vocabulary).read();
  }

  /// Builds the tokenizer of a model.
  ///
  /// @param vocabSize how many ids the model knows; those without a token have no text
  /// @param bosId the id that a prompt begins with, or [#NO_BOS]
  /// @throws MalformedTokenizerException when the tokenizer has ids that the model does not know
  public Tokenizer build(int vocabSize, int bosId) {
    if (size() > vocabSize) {
      throw new MalformedTokenizerException(
          "tokenizer", "ids below the model's " + vocabSize, "id " + (size() - 1));
    }
    if (bosId != NO_BOS && (bosId < 0 || bosId >= size())) {
      throw new MalformedTokenizerException(
          "BOS token", "an id of the vocabulary of " + size(), String.valueOf(bosId));
    }
    return new BpeTokenizer(model, normalizer, preTokenizer, addedTokens, vocabSize, bosId);
  }

  /// One more than the highest id.
  public int size() {
    return model.vocabulary().size();
  }

  public OptionalInt tokenId(String token) {
    int id = model.vocabulary().id(token);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /// How the vocabulary writes the token `id`; empty for an id without token.
  public String token(int id) {
    String token = model.vocabulary().token(id);
    return token == null ? "" : token;
  }

  /// Whether `id` is a control token.
  public boolean isSpecial(int id) {
    return model.vocabulary().isSpecial(id);
  }

  /// The id that the file's own post-processing puts in front of every text.
  public OptionalInt templateBosId() {
    return templateBos < 0 ? OptionalInt.empty() : OptionalInt.of(templateBos);
  }
}
