package dev.slabstream.tokenizer;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Reads values out of a `tokenizer.json`, each with an error that names its place.
final class JsonValues {
  private static final int MAX_SHOWN = 80;

  private JsonValues() {}

  static JsonNode require(JsonNode parent, String where, String name, String expected) {
    JsonNode node = parent.get(name);
    if (node == null || node.isNull()) {
      throw new MalformedTokenizerException(where + name, expected, "nothing");
    }
    return node;
  }

  static String string(String where, @Nullable JsonNode node) {
    if (node == null || !node.isString()) {
      throw unexpected(where, "a string", node);
    }
    return node.stringValue();
  }

  static int id(Supplier<String> where, @Nullable JsonNode node) {
    if (node == null || !node.isIntegralNumber() || !node.canConvertToInt()) {
      throw unexpected(where.get(), "an id of 0 to " + (Vocabulary.MAX_SIZE - 1), node);
    }
    return node.intValue();
  }

  /// A boolean; `fallback` when it is absent.
  static boolean flag(JsonNode parent, String where, String name, boolean fallback) {
    JsonNode node = parent.get(name);
    if (node == null || node.isNull()) {
      return fallback;
    }
    if (!node.isBoolean()) {
      throw unexpected(where + name, "true or false", node);
    }
    return node.booleanValue();
  }

  static MalformedTokenizerException unexpected(
      String where, String expected, @Nullable JsonNode found) {
    String shown = found == null ? "nothing" : found.toString();
    return new MalformedTokenizerException(
        where, expected, shown.length() > MAX_SHOWN ? shown.substring(0, MAX_SHOWN) + "…" : shown);
  }
}
