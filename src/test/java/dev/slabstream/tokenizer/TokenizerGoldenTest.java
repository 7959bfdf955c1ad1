package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Every case of the goldens that Hugging Face's tokenizers made: `tokenizers/*/goldens.json` of the reference data.
class TokenizerGoldenTest {
  private static final int[] NUM_CASES = {83, 44};

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void everyTextGivesTheIdsOfTheReference(String name) {
    JsonNode cases = Tokenizers.goldens(name).get("cases");
    Tokenizer tokenizer = Tokenizers.get(name);

    assertThat(cases.size()).isEqualTo(NUM_CASES[name.equals("smollm2") ? 0 : 1]);
    for (JsonNode c : cases) {
      String text = c.get("text").stringValue();
      int[] ids = Tokenizers.ids(c.get("ids"));
      int[] asText =
          c.has("ids_special_as_text") ? Tokenizers.ids(c.get("ids_special_as_text")) : ids;
      assertThat(tokenizer.encode(text, SpecialTokens.RECOGNISED)).as(text).isEqualTo(ids);
      assertThat(tokenizer.encode(text, SpecialTokens.AS_TEXT)).as(text).isEqualTo(asText);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void everyIdGivesTheTextOfTheReferenceAtOnceAndStreamed(String name) {
    JsonNode goldens = Tokenizers.goldens(name);
    Tokenizer tokenizer = Tokenizers.get(name);

    assertThat(goldens.get("decode_only").size()).isEqualTo(8);
    for (String list : new String[] {"cases", "decode_only"}) {
      for (JsonNode c : goldens.get(list)) {
        int[] ids = Tokenizers.ids(c.get("ids"));
        String decoded = c.get("decoded").stringValue();
        String skipped =
            c.has("decoded_skip_special") ? c.get("decoded_skip_special").stringValue() : decoded;
        assertThat(tokenizer.decode(ids, false)).isEqualTo(decoded);
        assertThat(tokenizer.decode(ids, true)).isEqualTo(skipped);
        assertThat(streamed(tokenizer, ids, false)).isEqualTo(decoded);
        assertThat(streamed(tokenizer, ids, true)).isEqualTo(skipped);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void everyTokenStandsForTheBytesOfTheReference(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);

    for (JsonNode c : Tokenizers.goldens(name).get("cases")) {
      JsonNode hex = c.get("token_bytes_hex");
      int[] ids = Tokenizers.ids(c.get("ids"));
      assertThat(
              IntStream.of(ids).mapToObj(id -> HexFormat.of().formatHex(tokenizer.tokenBytes(id))))
          .containsExactlyElementsOf(hex.valueStream().map(JsonNode::stringValue).toList());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "qwen3", "llama3"})
  void everyRenderedChatGivesTheIdsOfTheReference(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    JsonNode chats = Tokenizers.json(Tokenizers.folder(name).resolve("chat.json"));

    JsonNode cases = chats.isArray() ? chats : chats.get("cases");
    assertThat(cases.size()).isPositive();
    for (JsonNode c : cases) {
      assertThat(tokenizer.encode(c.get("rendered").stringValue(), SpecialTokens.RECOGNISED))
          .isEqualTo(Tokenizers.ids(c.get("ids")));
    }
  }

  private static String streamed(Tokenizer tokenizer, int[] ids, boolean skipSpecial) {
    StreamDecoder decoder = tokenizer.streamDecoder(skipSpecial);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.finish()).toString();
  }
}
