package dev.slabstream.tokenizer;

import static dev.slabstream.tokenizer.JsonValues.flag;
import static dev.slabstream.tokenizer.JsonValues.id;
import static dev.slabstream.tokenizer.JsonValues.require;
import static dev.slabstream.tokenizer.JsonValues.string;
import static dev.slabstream.tokenizer.JsonValues.unexpected;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads a `tokenizer.json` of Hugging Face's tokenizers: vocabulary, merges and added tokens here, the normaliser and the
/// pre-tokenizer in [TextPipelineJson]. Its truncation, padding and dropout are not taken over.
final class TokenizerJson {
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .build();

  private final List<AddedToken> added = new ArrayList<>();

  TokenizerDefinition read(byte[] bytes) {
    JsonNode root = parse(bytes);
    JsonNode model = require(root, "", "model", "an object");
    if (!model.isObject()) {
      throw unexpected("model", "an object", model);
    }
    String type = model.has("type") ? model.get("type").asString() : "BPE";
    if (!type.equals("BPE")) {
      throw unexpected("model.type", "BPE", model.get("type"));
    }
    for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.path(affix).asString("").isEmpty()) {
        throw unexpected("model." + affix, "none", model.get(affix));
      }
    }

    TextPipelineJson pipeline = new TextPipelineJson(root);
    boolean byteFallback = flag(model, "model.", "byte_fallback", false);
    Vocabulary vocabulary = vocabulary(root, model, pipeline.form(), byteFallback);
    Symbols symbols =
        new Symbols(
            vocabulary,
            byteFallback,
            unknown(model, vocabulary),
            flag(model, "model.", "fuse_unk", false));
    BpeModel bpe =
        new BpeModel(
            vocabulary,
            symbols,
            merges(model, vocabulary),
            flag(model, "model.", "ignore_merges", false));
    return new TokenizerDefinition(
        bpe, pipeline.normalizer(), pipeline.preTokenizer(), added, templateBos(root, vocabulary));
  }

  private static JsonNode parse(byte[] bytes) {
    try {
      JsonNode root = MAPPER.readTree(bytes);
      if (!root.isObject()) {
        throw unexpected("tokenizer.json", "an object", root);
      }
      return root;
    } catch (JacksonException e) {
      throw new MalformedTokenizerException(
          "tokenizer.json", "valid JSON", String.valueOf(e.getMessage()));
    }
  }

  private Vocabulary vocabulary(
      JsonNode root, JsonNode model, TextForm form, boolean byteFallback) {
    JsonNode vocab = require(model, "model.", "vocab", "an object");
    if (!vocab.isObject() || vocab.isEmpty()) {
      throw unexpected("model.vocab", "an object with tokens", vocab);
    }
    Vocabulary.Builder builder = new Vocabulary.Builder(form, vocab.size());
    for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
      String token = entry.getKey();
      Supplier<String> where = () -> "model.vocab[`" + Surrogates.replaceLone(token) + "`]";
      boolean isByte = byteFallback && TextForm.namedByte(token) >= 0;
      TokenKind kind = isByte ? TokenKind.BYTE : TokenKind.NORMAL;
      builder.add(where, id(where, entry.getValue()), token, kind);
    }
    JsonNode list = root.get("added_tokens");
    if (list != null && !list.isNull()) {
      if (!list.isArray()) {
        throw unexpected("added_tokens", "an array", list);
      }
      for (int i = 0; i < list.size(); i++) {
        addedToken("added_tokens[" + i + "].", list.get(i), builder);
      }
    }
    return builder.build();
  }

  private void addedToken(String where, JsonNode node, Vocabulary.Builder builder) {
    String content = string(where + "content", node.get("content"));
    Supplier<String> place = () -> where + "id";
    int id = id(place, node.get("id"));
    TokenKind kind = flag(node, where, "special", false) ? TokenKind.SPECIAL : TokenKind.ADDED;
    int known = builder.id(content);
    if (known == id) {
      builder.setKind(id, kind);
    } else {
      builder.add(place, id, content, kind);
    }
    added.add(
        new AddedToken(
            id,
            content,
            flag(node, where, "single_word", false),
            flag(node, where, "lstrip", false),
            flag(node, where, "rstrip", false)));
  }

  private static MergeTable merges(JsonNode model, Vocabulary vocabulary) {
    JsonNode list = require(model, "model.", "merges", "an array");
    if (!list.isArray()) {
      throw unexpected("model.merges", "an array", list);
    }
    Merges merges = new Merges(vocabulary, list.size());
    for (int i = 0; i < list.size(); i++) {
      int index = i;
      Supplier<String> where = () -> "model.merges[" + index + "]";
      JsonNode merge = list.get(i);
      if (merge.isString()) {
        merges.addJoined(where, merge.stringValue());
      } else if (merge.isArray()
          && merge.size() == 2
          && merge.get(0).isString()
          && merge.get(1).isString()) {
        merges.add(where, merge.get(0).stringValue(), merge.get(1).stringValue());
      } else {
        throw unexpected(where.get(), "two tokens", merge);
      }
    }
    return merges.table();
  }

  private static int unknown(JsonNode model, Vocabulary vocabulary) {
    JsonNode node = model.get("unk_token");
    if (node == null || node.isNull()) {
      return -1;
    }
    int id = vocabulary.id(string("model.unk_token", node));
    if (id < 0) {
      throw unexpected("model.unk_token", "a token of the vocabulary", node);
    }
    return id;
  }

  /// The token that the post-processor puts in front of a single text, or -1.
  private static int templateBos(JsonNode root, Vocabulary vocabulary) {
    for (JsonNode processor : processors(root.get("post_processor"))) {
      if ("TemplateProcessing".equals(processor.path("type").asString(""))) {
        JsonNode first = processor.path("single").path(0).path("SpecialToken").path("id");
        int id = first.isString() ? vocabulary.id(first.stringValue()) : -1;
        if (id >= 0) {
          return id;
        }
      }
    }
    return -1;
  }

  private static List<JsonNode> processors(@Nullable JsonNode node) {
    List<JsonNode> found = new ArrayList<>();
    if (node != null && node.isObject()) {
      found.add(node);
      node.path("processors").forEach(found::add);
    }
    return found;
  }
}
