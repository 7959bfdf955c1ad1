package dev.slabstream.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Hugging Face's tokenizers library, called as directly as its Java binding allows.
final class HuggingFaceWitness implements AutoCloseable {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final long handle;

  private HuggingFaceWitness(String json) {
    LibUtils.checkStatus();
    handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
    TokenizersLibrary.LIB.disableTruncation(handle);
    TokenizersLibrary.LIB.disablePadding(handle);
  }

  static HuggingFaceWitness ofJson(byte[] tokenizerJson) {
    return new HuggingFaceWitness(new String(tokenizerJson, StandardCharsets.UTF_8));
  }

  /// The library has no switch for special tokens as text; a tokenizer that knows none of them is that mode.
  static HuggingFaceWitness withoutAddedTokens(byte[] tokenizerJson) {
    ObjectNode root = (ObjectNode) MAPPER.readTree(tokenizerJson);
    root.set("added_tokens", MAPPER.createArrayNode());
    root.putNull("post_processor");
    return new HuggingFaceWitness(root.toString());
  }

  /// A byte-level tokenizer of the tokens and merges of ours.
  static byte[] smollm2Json(Tokenizer tokenizer, Iterable<String> merges) {
    ObjectNode root = MAPPER.createObjectNode();
    ArrayNode added = root.putArray("added_tokens");
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocab = model.putObject("vocab");
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      String token = tokenizer.token(id).orElseThrow();
      vocab.put(token, id);
      if (tokenizer.isSpecial(id)) {
        added
            .addObject()
            .put("id", id)
            .put("content", token)
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", true);
      }
    }
    ArrayNode list = model.putArray("merges");
    merges.forEach(list::add);
    JsonNode preTokenizer =
        MAPPER.readTree(
            """
            {"type": "Sequence", "pretokenizers": [
              {"type": "Digits", "individual_digits": true},
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]}
            """);
    root.set("pre_tokenizer", preTokenizer);
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  int[] encode(String text) {
    long encoding = TokenizersLibrary.LIB.encode(handle, text, false);
    try {
      return Arrays.stream(TokenizersLibrary.LIB.getTokenIds(encoding))
          .mapToInt(Math::toIntExact)
          .toArray();
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  @Override
  public void close() {
    TokenizersLibrary.LIB.deleteTokenizer(handle);
  }
}
