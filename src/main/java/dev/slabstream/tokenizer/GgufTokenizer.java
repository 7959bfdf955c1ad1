package dev.slabstream.tokenizer;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// Makes a tokenizer of a GGUF file's vocabulary.
final class GgufTokenizer {
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TYPES = "tokenizer.ggml.token_type";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String MERGES = "tokenizer.ggml.merges";

  private final GgufVocabulary source;
  private final List<AddedToken> added = new ArrayList<>();
  private int unknown = -1;

  GgufTokenizer(GgufVocabulary source) {
    this.source = source;
  }

  TokenizerDefinition read() {
    return switch (source.model()) {
      case "gpt2" -> byteLevel();
      case "llama" -> sentencePiece();
      default ->
          throw new MalformedTokenizerException(
              "tokenizer.ggml.model", "gpt2 or llama", "`" + source.model() + "`");
    };
  }

  private TokenizerDefinition byteLevel() {
    NamedPreTokenizer pre = NamedPreTokenizer.of(source.pre());
    Vocabulary vocabulary = vocabulary(TextForm.BYTE_LEVEL);
    Merges merges = new Merges(vocabulary, source.merges().size());
    for (int i = 0; i < source.merges().size(); i++) {
      merges.addJoined(place(MERGES, i), source.merges().get(i));
    }
    Normalizer normalizer =
        pre.nfc() ? new Normalizer.Unicode(Form.NFC) : new Normalizer.Sequence(List.of());
    Symbols symbols = new Symbols(vocabulary, false, -1, false);
    BpeModel model = new BpeModel(vocabulary, symbols, merges.table(), pre.ignoreMerges());
    return new TokenizerDefinition(model, normalizer, pre.splitter(), added, -1);
  }

  private TokenizerDefinition sentencePiece() {
    Vocabulary vocabulary = vocabulary(TextForm.SENTENCE_PIECE);
    if (source.scores().length != vocabulary.size()) {
      throw new MalformedTokenizerException(
          SCORES, vocabulary.size() + " scores", String.valueOf(source.scores().length));
    }
    for (int i = 0; i < source.scores().length; i++) {
      if (Float.isNaN(source.scores()[i])) {
        throw new MalformedTokenizerException(SCORES + "[" + i + "]", "a number", "NaN");
      }
    }
    String mark = String.valueOf(TextForm.SPACE_MARK);
    List<Normalizer> steps = new ArrayList<>();
    if (source.addSpacePrefix()) {
      steps.add(new Normalizer.Prepend(mark, false, false));
    }
    steps.add(new Normalizer.Replace(" ", mark));
    Symbols symbols = new Symbols(vocabulary, true, unknown, true);
    MergeTable merges = ScoredMerges.of(vocabulary, source.scores());
    return new TokenizerDefinition(
        new BpeModel(vocabulary, symbols, merges, false),
        new Normalizer.Sequence(steps),
        new PreTokenizer.Whole(),
        added,
        -1);
  }

  private Vocabulary vocabulary(TextForm form) {
    List<String> tokens = source.tokens();
    int[] types = source.types();
    if (tokens.isEmpty()) {
      throw new MalformedTokenizerException(TOKENS, "tokens", "none");
    }
    if (types.length != 0 && types.length != tokens.size()) {
      throw new MalformedTokenizerException(
          TYPES, "one for each of " + tokens.size() + " tokens", String.valueOf(types.length));
    }
    Vocabulary.Builder builder = new Vocabulary.Builder(form, tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      int type = types.length == 0 ? 1 : types[id];
      TokenKind kind = kind(id, type, form);
      // A token without text stands for nothing; several may be there as padding.
      if (!tokens.get(id).isEmpty()) {
        builder.add(place(TOKENS, id), id, tokens.get(id), kind);
        if (kind == TokenKind.SPECIAL || kind == TokenKind.ADDED) {
          added.add(new AddedToken(id, tokens.get(id), false, false, false));
        }
        if (type == 2) {
          unknown = id;
        }
      }
    }
    return builder.build();
  }

  private static Supplier<String> place(String key, int index) {
    return () -> key + "[" + index + "]";
  }

  private static TokenKind kind(int id, int type, TextForm form) {
    return switch (type) {
      case 0, 1, 5 -> TokenKind.NORMAL;
      case 2, 3 -> TokenKind.SPECIAL;
      case 4 -> TokenKind.ADDED;
      case 6 -> form == TextForm.SENTENCE_PIECE ? TokenKind.BYTE : TokenKind.NORMAL;
      default ->
          throw new MalformedTokenizerException(
              TYPES + "[" + id + "]", "a type of 0 to 6", String.valueOf(type));
    };
  }
}
