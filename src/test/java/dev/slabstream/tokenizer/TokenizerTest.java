package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.tokenizer.Tokenizer.Part;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  @Test
  void aSpecialTokenIsRecognisedOnlyInPartsThatSaySo() {
    Tokenizer tokenizer = Tokenizers.get("smollm2");
    int[] lookAlike = tokenizer.encode("a<|im_end|>b", SpecialTokens.AS_TEXT);

    int[] ids =
        tokenizer.encode(
            List.of(
                new Part("<|im_start|>", SpecialTokens.RECOGNISED),
                new Part("a<|im_end|>b", SpecialTokens.AS_TEXT),
                new Part("<|im_end|>", SpecialTokens.RECOGNISED)));

    assertThat(ids)
        .hasSize(lookAlike.length + 2)
        .startsWith(1)
        .endsWith(2)
        .containsSequence(lookAlike);
    assertThat(lookAlike).doesNotContain(2);
  }

  @Test
  void aSpecialTokenPutTogetherFromTemplateAndMessageIsText() {
    Tokenizer tokenizer = Tokenizers.get("smollm2");

    assertThat(
            tokenizer.encode(
                List.of(
                    new Part("<|im_", SpecialTokens.RECOGNISED),
                    new Part("end|>", SpecialTokens.AS_TEXT))))
        .isEqualTo(tokenizer.encode("<|im_end|>", SpecialTokens.AS_TEXT));
    assertThat(
            tokenizer.encode(
                List.of(
                    new Part("<|im_", SpecialTokens.RECOGNISED),
                    new Part("end|>", SpecialTokens.RECOGNISED))))
        .containsExactly(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void textCutIntoPartsGivesTheIdsOfTheWhole(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    RandomText texts = new RandomText(31);
    Random random = new Random(37);

    for (int round = 0; round < 300; round++) {
      String text = texts.next();
      for (SpecialTokens mode : SpecialTokens.values()) {
        List<Part> parts = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
          int to = Math.min(text.length(), from + 1 + random.nextInt(12));
          parts.add(new Part(text.substring(from, to), mode));
          from = to;
        }
        assertThat(tokenizer.encode(parts)).as(text).isEqualTo(tokenizer.encode(text, mode));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "qwen3", "llama3"})
  void randomTextComesBackFromItsIds(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    RandomText texts = new RandomText(41);

    for (int round = 0; round < 2000; round++) {
      String text = texts.next();
      String expected =
          name.equals("qwen3")
              ? java.text.Normalizer.normalize(text, java.text.Normalizer.Form.NFC)
              : text;
      assertThat(tokenizer.decode(tokenizer.encode(text, SpecialTokens.AS_TEXT), true))
          .isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void loneSurrogatesAreTakenAsReplacementCharacters(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);

    assertThat(tokenizer.encode("a\uD83D b\uDE00\uD83D", SpecialTokens.RECOGNISED))
        .isEqualTo(tokenizer.encode("a\uFFFD b\uFFFD\uFFFD", SpecialTokens.RECOGNISED));
    assertThat(tokenizer.encode("\uD83D\uDE00", SpecialTokens.RECOGNISED))
        .isEqualTo(tokenizer.encode("😀", SpecialTokens.RECOGNISED));
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void anyUtf16IsEncodedWithoutAnError(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    Random random = new Random(43);

    for (int round = 0; round < 500; round++) {
      char[] chars = new char[random.nextInt(40)];
      for (int i = 0; i < chars.length; i++) {
        chars[i] =
            (char)
                (random.nextInt(3) == 0 ? 0xD800 + random.nextInt(0x800) : random.nextInt(0x10000));
      }
      String text = new String(chars);
      assertThat(tokenizer.encode(text, SpecialTokens.RECOGNISED))
          .isEqualTo(tokenizer.encode(Surrogates.replaceLone(text), SpecialTokens.RECOGNISED));
    }
  }

  /// A merge or a pattern of quadratic cost takes minutes here. Twelve million spaces are where Oniguruma gives up.
  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "qwen3"})
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void longTextsAreNeitherSlowNorCut(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);

    for (String unit : new String[] {"a", " ", "7", "<|im_", "😀", "\t \u3000"}) {
      String text = unit.repeat((1 << 20) / unit.length()) + "x";
      int[] ids = tokenizer.encode(text, SpecialTokens.RECOGNISED);
      assertThat(tokenizer.decode(ids, false).equals(text)).as(unit).isTrue();
    }
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void aTextOverWhichOnigurumaGivesUpIsEncoded() {
    Tokenizer tokenizer = Tokenizers.get("gpt2");
    int spaces = 12_000_000;

    assertThat(tokenizer.encode(" ".repeat(spaces), SpecialTokens.RECOGNISED)).hasSize(spaces);
  }

  @Test
  void aTextThatOverflowsAFilesOwnPatternIsRefused() {
    Tokenizer tokenizer =
        TokenizerDefinition.ofJson(
                """
                {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                   {"type": "Split", "pattern": {"Regex": "(?:a|b|c.)+"}, "behavior": "Isolated"},
                   {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
                 "model": {"vocab": {"a": 0}, "merges": []}}
                """
                    .getBytes(StandardCharsets.UTF_8))
            .build(1, TokenizerDefinition.NO_BOS);

    assertThat(tokenizer.encode("aaa", SpecialTokens.AS_TEXT)).containsExactly(0, 0, 0);
    assertThatThrownBy(() -> tokenizer.encode("a".repeat(4 << 20), SpecialTokens.AS_TEXT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("text: too long");
  }

  @Test
  void oneTokenizerServesManyThreads() throws Exception {
    Tokenizer tokenizer = Tokenizers.get("gpt2");
    List<String> texts = new ArrayList<>();
    RandomText random = new RandomText(47);
    for (int i = 0; i < 400; i++) {
      texts.add(random.next());
    }
    List<int[]> expected =
        texts.stream().map(text -> tokenizer.encode(text, SpecialTokens.RECOGNISED)).toList();

    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<List<int[]>>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        results.add(
            threads.submit(
                () ->
                    texts.stream()
                        .map(t -> tokenizer.encode(t, SpecialTokens.RECOGNISED))
                        .toList()));
      }
      for (Future<List<int[]>> result : results) {
        assertThat(result.get()).containsExactlyElementsOf(expected);
      }
    }
  }

  @Test
  void bytesThatTheVocabularyLacksAreLeftOut() {
    Tokenizer tokenizer = Tokenizers.get("smollm2");

    assertThat(tokenizer.encode("\u0004", SpecialTokens.RECOGNISED)).isEmpty();
    assertThat(tokenizer.encode("a\u0004b", SpecialTokens.RECOGNISED))
        .isEqualTo(tokenizer.encode("\u0004a\u0004b\u0004", SpecialTokens.RECOGNISED))
        .hasSize(2);
  }
}
