package dev.slabstream.config;

import dev.slabstream.tokenizer.TokenizerDefinition;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import dev.slabstream.weights.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// The tokenizer files of a Hugging Face folder: `tokenizer.json`, and of those that may be missing `tokenizer_config.json`,
/// `generation_config.json` and `chat_template.jinja`.
final class HuggingFaceTokenizerFiles {
  private static final String TOKENIZER_JSON = "tokenizer.json";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  private final Checkpoint checkpoint;
  private final Optional<Metadata> config;

  HuggingFaceTokenizerFiles(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.config = checkpoint.sibling(TOKENIZER_CONFIG);
  }

  LoadedTokenizer load(int vocabSize) {
    TokenizerDefinition definition =
        TokenizerDefinition.ofJson(
            checkpoint
                .siblingBytes(TOKENIZER_JSON)
                .orElseThrow(
                    () ->
                        new MalformedModelException(
                            checkpoint.path(), TOKENIZER_JSON, "the tokenizer", "no such file")));
    Optional<String> bos = tokenText("bos_token");
    Optional<String> eos = tokenText("eos_token");
    Set<Integer> ends = TokenizerLoader.endsByName(definition);
    eos.ifPresent(token -> definition.tokenId(token).ifPresent(ends::add));
    addEnds(checkpoint.metadata(), vocabSize, ends);
    checkpoint
        .sibling("generation_config.json")
        .ifPresent(generation -> addEnds(generation, vocabSize, ends));
    return new LoadedTokenizer(
        definition.build(vocabSize, bosId(definition, bos)),
        TokenizerLoader.toArray(ends),
        chatTemplate(),
        bos,
        eos);
  }

  /// `add_bos_token` decides where it is set, the post-processor of `tokenizer.json` where it is not.
  private int bosId(TokenizerDefinition definition, Optional<String> bos) {
    Optional<Boolean> adds = config.flatMap(c -> c.optionalBoolean("add_bos_token"));
    if (adds.isEmpty()) {
      return definition.templateBosId().orElse(TokenizerDefinition.NO_BOS);
    }
    if (!adds.get() || bos.isEmpty()) {
      return TokenizerDefinition.NO_BOS;
    }
    OptionalInt id = definition.tokenId(bos.get());
    return id.orElseThrow(
        () ->
            new MalformedModelException(
                checkpoint.path(),
                TOKENIZER_CONFIG + ", key bos_token",
                "a token of " + TOKENIZER_JSON,
                "`" + bos.get() + "`"));
  }

  /// A token is given as a string, or as an object with its `content`.
  private Optional<String> tokenText(String key) {
    if (config.isEmpty()) {
      return Optional.empty();
    }
    Object value = config.get().entries().get(key);
    return value instanceof Map<?, ?>
        ? config.get().string(key + ".content")
        : config.get().string(key);
  }

  private static void addEnds(Metadata metadata, int vocabSize, Set<Integer> ends) {
    for (int id : metadata.ints("eos_token_id").orElse(new int[0])) {
      if (id < 0 || id >= vocabSize) {
        throw metadata.unexpected("eos_token_id", "ids of 0 to " + (vocabSize - 1));
      }
      ends.add(id);
    }
  }

  /// The file `chat_template.jinja` goes before the key in `tokenizer_config.json`, as in transformers; of a list of templates
  /// it is the one named `default`.
  private Optional<String> chatTemplate() {
    Optional<String> file =
        checkpoint
            .siblingBytes("chat_template.jinja")
            .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    if (file.isPresent() || config.isEmpty()) {
      return file;
    }
    Object value = config.get().entries().get("chat_template");
    return value instanceof List<?> list
        ? defaultTemplate(list)
        : config.get().string("chat_template");
  }

  private static Optional<String> defaultTemplate(List<?> templates) {
    for (Object entry : templates) {
      if (entry instanceof Map<?, ?> template
          && "default".equals(template.get("name"))
          && template.get("template") instanceof String source) {
        return Optional.of(source);
      }
    }
    return Optional.empty();
  }
}
