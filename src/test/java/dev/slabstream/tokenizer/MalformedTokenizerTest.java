package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MalformedTokenizerTest {
  private static final String VALID =
      """
      {"added_tokens": [{"id": 4, "content": "<end>", "special": true}],
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]}}
      """;

  @Test
  void theValidOneThatTheOthersAreMadeOfLoads() {
    Tokenizer tokenizer = TokenizerDefinition.ofJson(bytes(VALID)).build(5, 4);

    assertThat(tokenizer.encode("ab <end>", Tokenizer.SpecialTokens.RECOGNISED))
        .containsExactly(2, 3, 4);
    assertThat(tokenizer.bosId()).hasValue(4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"added     | [\"added             | tokenizer.json",
        "\"a\": 0     | \"b\": 0             | tokenizer.json",
        "\"b\": 1     | \"b\": 0             | model.vocab[`b`]",
        "\"b\": 1     | \"b\": -1            | model.vocab[`b`]",
        "\"b\": 1     | \"b\": 4194304       | model.vocab[`b`]",
        "\"b\": 1     | \"b\": 99999999999   | model.vocab[`b`]",
        "\"b\": 1     | \"b\": 1.5           | model.vocab[`b`]",
        "\"b\": 1     | \"b\": \"1\"         | model.vocab[`b`]",
        "\"b\": 1     | \"\\ud800\": 1       | tokenizer.json",
        "\"a b\"      | \"ab\"               | model.merges[0]",
        "\"a b\"      | \"a  b\"             | model.merges[0]",
        "\"a b\"      | \" b\"               | model.merges[0]",
        "\"a b\"      | \"a c\"              | model.merges[0]",
        "\"a b\"      | \"b a\"              | model.merges[0]",
        "\"a b\"      | [\"a\", \"b\", \"\"] | model.merges[0]",
        "\"a b\"      | [\"a\", 7]           | model.merges[0]",
        "\"a b\"      | null                 | model.merges[0]",
        "[\"a b\"]    | {}                   | model.merges",
        "\"id\": 4    | \"id\": 1            | added_tokens[0].id",
        "\"<end>\"    | \"ab\"               | added_tokens[0].id",
        "\"<end>\"    | null                 | added_tokens[0].content",
        "true         | 1                    | added_tokens[0].special",
        "\"BPE\"      | \"Unigram\"          | model.type",
        "\"vocab\"    | \"vocabulary\"       | model.vocab",
        "\"model\"    | \"models\"           | model",
        "\"ByteLevel\"| \"Whitespace\"       | pre_tokenizer.type",
        "\"merges\"   | \"unk_token\": \"?\", \"merges\" | model.unk_token",
        "\"merges\"   | \"end_of_word_suffix\": \"</w>\", \"merges\" | model.end_of_word_suffix",
        "\"merges\"   | \"byte_fallback\": 3, \"merges\" | model.byte_fallback",
        "\"pre_tokenizer\" | \"normalizer\": {\"type\": \"Precompiled\"}, \"pre_tokenizer\" | normalizer.type",
        "\"ByteLevel\"| \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \"(\"} | pre_tokenizer.pattern",
      })
  void aBrokenTokenizerJsonIsRefusedWithItsPlace(String part, String broken, String where) {
    String json = VALID.replace(part, broken);
    assertThat(json).isNotEqualTo(VALID);

    assertThatExceptionOfType(MalformedTokenizerException.class)
        .isThrownBy(() -> TokenizerDefinition.ofJson(bytes(json)))
        .satisfies(e -> assertThat(e.where()).isEqualTo(where));
  }

  @Test
  void bytesFlippedOrCutAtRandomGiveATokenizerOrAClearError() {
    byte[] valid = bytes(VALID);
    Random random = new Random(23);
    int refused = 0;
    for (int round = 0; round < 5000; round++) {
      byte[] broken =
          Arrays.copyOf(
              valid, random.nextInt(4) == 0 ? random.nextInt(valid.length) : valid.length);
      for (int flips = random.nextInt(4); flips >= 0 && broken.length > 0; flips--) {
        broken[random.nextInt(broken.length)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        TokenizerDefinition definition = TokenizerDefinition.ofJson(broken);
        Tokenizer tokenizer = definition.build(definition.size(), TokenizerDefinition.NO_BOS);
        int[] ids = tokenizer.encode("ab ba <end>", Tokenizer.SpecialTokens.RECOGNISED);
        assertThat(tokenizer.decode(ids, false)).isNotNull();
      } catch (MalformedTokenizerException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(1000, 4999);
  }

  @Test
  void aGgufVocabularyThatContradictsItselfIsRefusedWithItsKey() {
    List<String> tokens = List.of("a", "b", "ab", "<end>");
    int[] types = {1, 1, 1, 3};
    List<String> merges = List.of("a b");

    assertRefused("tokenizer.ggml.token_type", "gpt2", "gpt-2", tokens, new int[3], merges);
    assertRefused(
        "tokenizer.ggml.token_type[2]", "gpt2", "gpt-2", tokens, new int[] {1, 1, 9, 1}, merges);
    assertRefused("tokenizer.ggml.merges[0]", "gpt2", "gpt-2", tokens, types, List.of("ab"));
    assertRefused(
        "tokenizer.ggml.merges[1]", "gpt2", "gpt-2", tokens, types, List.of("a b", "b c"));
    assertRefused(
        "tokenizer.ggml.tokens[1]", "gpt2", "gpt-2", List.of("a", "a"), new int[0], List.of());
    assertRefused(
        "tokenizer.ggml.tokens[0]", "gpt2", "gpt-2", List.of("\ud800"), new int[0], List.of());
    assertRefused("tokenizer.ggml.tokens", "gpt2", "gpt-2", List.of(), new int[0], List.of());
    assertRefused("tokenizer.ggml.pre", "gpt2", "no-such-pattern", tokens, types, merges);
    assertRefused("tokenizer.ggml.model", "bert", "default", tokens, types, merges);
    assertRefused("tokenizer.ggml.scores", "llama", "default", tokens, types, merges);
    assertRefused(
        "tokenizer.ggml.tokens[1]",
        "llama",
        "default",
        List.of("a", "<0xZZ>"),
        new int[] {1, 6},
        merges);
  }

  @Test
  void anIdThatTheModelDoesNotKnowIsRefused() {
    TokenizerDefinition definition = TokenizerDefinition.ofJson(bytes(VALID));

    assertThatExceptionOfType(MalformedTokenizerException.class)
        .isThrownBy(() -> definition.build(4, TokenizerDefinition.NO_BOS))
        .withMessage("tokenizer: expected ids below the model's 4; found id 4");
    assertThatExceptionOfType(MalformedTokenizerException.class)
        .isThrownBy(() -> definition.build(9, 7))
        .withMessageContaining("BOS token");
  }

  @Test
  void idsThatOnlyTheModelKnowsHaveNoText() {
    Tokenizer tokenizer =
        TokenizerDefinition.ofJson(bytes(VALID)).build(8, TokenizerDefinition.NO_BOS);

    assertThat(tokenizer.vocabSize()).isEqualTo(8);
    assertThat(tokenizer.tokenBytes(7)).isEmpty();
    assertThat(tokenizer.token(7)).isEmpty();
    assertThat(tokenizer.decode(new int[] {0, 7, 1}, false)).isEqualTo("ab");
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> tokenizer.decode(new int[] {8}, false));
  }

  private static void assertRefused(
      String where,
      String model,
      String pre,
      List<String> tokens,
      int[] types,
      List<String> merges) {
    GgufVocabulary vocabulary =
        new GgufVocabulary(model, pre, new ArrayList<>(tokens), types, new float[0], merges, false);
    assertThatExceptionOfType(MalformedTokenizerException.class)
        .isThrownBy(() -> TokenizerDefinition.ofGguf(vocabulary))
        .satisfies(e -> assertThat(e.where()).isEqualTo(where));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
