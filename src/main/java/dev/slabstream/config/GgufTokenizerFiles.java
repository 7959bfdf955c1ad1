package dev.slabstream.config;

import dev.slabstream.tokenizer.GgufVocabulary;
import dev.slabstream.tokenizer.TokenizerDefinition;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.Metadata;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// The tokenizer in a GGUF file's metadata.
final class GgufTokenizerFiles {
  private static final List<String> END_KEYS =
      List.of(
          "tokenizer.ggml.eos_token_id",
          "tokenizer.ggml.eot_token_id",
          "tokenizer.ggml.eom_token_id");

  private final Metadata metadata;

  GgufTokenizerFiles(Checkpoint checkpoint) {
    this.metadata = checkpoint.metadata();
  }

  LoadedTokenizer load(int vocabSize) {
    GgufVocabulary vocabulary = vocabulary();
    TokenizerDefinition definition = TokenizerDefinition.ofGguf(vocabulary);
    Set<Integer> ends = TokenizerLoader.endsByName(definition);
    for (String key : END_KEYS) {
      id(key, definition).ifPresent(ends::add);
    }
    metadata.ints("tokenizer.ggml.eos_token_ids").ifPresent(ids -> addAll(ids, ends, definition));
    OptionalInt bos = id("tokenizer.ggml.bos_token_id", definition);
    OptionalInt eos = id("tokenizer.ggml.eos_token_id", definition);
    boolean addsBos =
        metadata
            .optionalBoolean("tokenizer.ggml.add_bos_token")
            .orElseGet(vocabulary::addsBosByDefault);
    if (addsBos && bos.isEmpty() && metadata.has("tokenizer.ggml.add_bos_token")) {
      throw metadata.unexpected("tokenizer.ggml.bos_token_id", "the BOS token that is to be added");
    }
    return new LoadedTokenizer(
        definition.build(
            vocabSize,
            addsBos ? bos.orElse(TokenizerDefinition.NO_BOS) : TokenizerDefinition.NO_BOS),
        TokenizerLoader.toArray(ends),
        metadata.string("tokenizer.chat_template"),
        bos.isPresent() ? Optional.of(definition.token(bos.getAsInt())) : Optional.empty(),
        eos.isPresent() ? Optional.of(definition.token(eos.getAsInt())) : Optional.empty());
  }

  private GgufVocabulary vocabulary() {
    String model = metadata.requireString("tokenizer.ggml.model");
    return new GgufVocabulary(
        model,
        metadata.string("tokenizer.ggml.pre").orElse("default"),
        metadata
            .strings("tokenizer.ggml.tokens")
            .orElseThrow(() -> metadata.unexpected("tokenizer.ggml.tokens", "the vocabulary")),
        metadata.ints("tokenizer.ggml.token_type").orElse(new int[0]),
        metadata.floats("tokenizer.ggml.scores").orElse(new float[0]),
        metadata.strings("tokenizer.ggml.merges").orElse(List.of()),
        metadata.optionalBoolean("tokenizer.ggml.add_space_prefix").orElse(model.equals("llama")));
  }

  private OptionalInt id(String key, TokenizerDefinition definition) {
    Optional<Long> id = metadata.optionalLong(key, 0, definition.size() - 1);
    return id.isPresent() ? OptionalInt.of(id.get().intValue()) : OptionalInt.empty();
  }

  private void addAll(int[] ids, Set<Integer> ends, TokenizerDefinition definition) {
    for (int id : ids) {
      if (id < 0 || id >= definition.size()) {
        throw metadata.unexpected(
            "tokenizer.ggml.eos_token_ids", "ids of 0 to " + (definition.size() - 1));
      }
      ends.add(id);
    }
  }
}
