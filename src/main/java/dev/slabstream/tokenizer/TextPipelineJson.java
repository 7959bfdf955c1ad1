package dev.slabstream.tokenizer;

import static dev.slabstream.tokenizer.JsonValues.flag;
import static dev.slabstream.tokenizer.JsonValues.require;
import static dev.slabstream.tokenizer.JsonValues.string;
import static dev.slabstream.tokenizer.JsonValues.unexpected;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What a `tokenizer.json` does to text before merging: its `normalizer` and its `pre_tokenizer`. Steps that are not known are
/// refused, since to leave one out would give other tokens without a word.
final class TextPipelineJson {
  private final List<Normalizer> normalizers = new ArrayList<>();
  private final List<PreTokenizer> splitters = new ArrayList<>();
  private boolean byteLevel;

  TextPipelineJson(JsonNode root) {
    readNormalizer("normalizer", root.get("normalizer"));
    readPreTokenizer("pre_tokenizer", root.get("pre_tokenizer"));
    if (!byteLevel) {
      JsonNode decoder = root.path("decoder");
      byteLevel = "ByteLevel".equals(decoder.path("type").asString(""));
    }
  }

  TextForm form() {
    return byteLevel ? TextForm.BYTE_LEVEL : TextForm.SENTENCE_PIECE;
  }

  Normalizer normalizer() {
    return new Normalizer.Sequence(normalizers);
  }

  PreTokenizer preTokenizer() {
    return PreTokenizer.Sequence.of(splitters);
  }

  private void readNormalizer(String where, @Nullable JsonNode node) {
    if (node == null || node.isNull()) {
      return;
    }
    String type = string(where + ".type", node.get("type"));
    switch (type) {
      case "Sequence" -> {
        JsonNode steps = require(node, where + ".", "normalizers", "an array");
        for (int i = 0; i < steps.size(); i++) {
          readNormalizer(where + ".normalizers[" + i + "]", steps.get(i));
        }
      }
      case "NFC" -> normalizers.add(new Normalizer.Unicode(Form.NFC));
      case "NFD" -> normalizers.add(new Normalizer.Unicode(Form.NFD));
      case "NFKC" -> normalizers.add(new Normalizer.Unicode(Form.NFKC));
      case "NFKD" -> normalizers.add(new Normalizer.Unicode(Form.NFKD));
      case "Lowercase" -> normalizers.add(new Normalizer.Lowercase());
      case "Prepend" ->
          normalizers.add(
              new Normalizer.Prepend(
                  string(where + ".prepend", node.get("prepend")), false, false));
      case "Replace" -> readReplace(where, node);
      default ->
          throw unexpected(
              where + ".type",
              "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend or Replace",
              node.get("type"));
    }
  }

  private void readReplace(String where, JsonNode node) {
    JsonNode pattern = require(node, where + ".", "pattern", "a pattern");
    String content = string(where + ".content", node.get("content"));
    if (pattern.has("String")) {
      normalizers.add(
          new Normalizer.Replace(string(where + ".pattern", pattern.get("String")), content));
    } else {
      normalizers.add(new Normalizer.ReplacePattern(pattern(where, pattern), content));
    }
  }

  private void readPreTokenizer(String where, @Nullable JsonNode node) {
    if (node == null || node.isNull()) {
      return;
    }
    String type = string(where + ".type", node.get("type"));
    switch (type) {
      case "Sequence" -> {
        JsonNode steps = require(node, where + ".", "pretokenizers", "an array");
        for (int i = 0; i < steps.size(); i++) {
          readPreTokenizer(where + ".pretokenizers[" + i + "]", steps.get(i));
        }
      }
      case "ByteLevel" -> readByteLevel(where, node);
      case "Split" -> readSplit(where, node);
      case "Digits" -> {
        String each = flag(node, where + ".", "individual_digits", false) ? "" : "+";
        splitters.add(new PreTokenizer.Matches(PreTokenizer.compile(where, "\\p{N}" + each)));
      }
      case "Metaspace" -> readMetaspace(where, node);
      default ->
          throw unexpected(
              where + ".type", "Sequence, ByteLevel, Split, Digits or Metaspace", node.get("type"));
    }
  }

  private void readByteLevel(String where, JsonNode node) {
    byteLevel = true;
    if (flag(node, where + ".", "add_prefix_space", true)) {
      if (!splitters.isEmpty()) {
        throw unexpected(where + ".add_prefix_space", "false after another step", node);
      }
      normalizers.add(new Normalizer.Prepend(" ", true, false));
    }
    if (flag(node, where + ".", "use_regex", true)) {
      splitters.add(new PreTokenizer.Matches(PreTokenizer.compile(where, NamedPreTokenizer.GPT2)));
    }
  }

  /// Pieces are the matches and what lies between them, whichever of the two is said to be the separator.
  private void readSplit(String where, JsonNode node) {
    String behavior = string(where + ".behavior", node.get("behavior"));
    boolean invert = flag(node, where + ".", "invert", false);
    JsonNode pattern = require(node, where + ".", "pattern", "a pattern");
    if (behavior.equalsIgnoreCase("Isolated")) {
      splitters.add(new PreTokenizer.Matches(pattern(where, pattern)));
    } else if (behavior.equalsIgnoreCase("Removed") && invert) {
      splitters.add(new PreTokenizer.OnlyMatches(pattern(where, pattern)));
    } else {
      throw unexpected(where + ".behavior", "Isolated, or Removed with invert", node);
    }
  }

  private void readMetaspace(String where, JsonNode node) {
    String mark = string(where + ".replacement", node.get("replacement"));
    if (!mark.equals(String.valueOf(TextForm.SPACE_MARK)) || !splitters.isEmpty()) {
      throw unexpected(where, "replacement `▁`, and no step before", node);
    }
    normalizers.add(new Normalizer.Replace(" ", mark));
    String fallback = flag(node, where + ".", "add_prefix_space", true) ? "always" : "never";
    String scheme = node.path("prepend_scheme").asString(fallback);
    switch (scheme) {
      case "always" -> normalizers.add(new Normalizer.Prepend(mark, true, false));
      case "first" -> normalizers.add(new Normalizer.Prepend(mark, true, true));
      case "never" -> {}
      default ->
          throw unexpected(
              where + ".prepend_scheme", "always, first or never", node.get("prepend_scheme"));
    }
    if (flag(node, where + ".", "split", true)) {
      splitters.add(new PreTokenizer.BeforeEach(TextForm.SPACE_MARK));
    }
  }

  private static Pattern pattern(String where, JsonNode pattern) {
    String at = where + ".pattern";
    if (pattern.has("String")) {
      return PreTokenizer.compile(at, Pattern.quote(string(at, pattern.get("String"))));
    }
    return PreTokenizer.compile(at, string(at, pattern.get("Regex")));
  }
}
