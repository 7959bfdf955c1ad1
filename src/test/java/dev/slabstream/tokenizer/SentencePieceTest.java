package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A vocabulary made up here, of the shape that Llama 2 and Mistral files have.
class SentencePieceTest {
  private static final String ALPHABET = "abcdeé好";

  private final List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
  private final List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
  private final List<Float> scores = new ArrayList<>(List.of(0f, 0f, 0f));

  SentencePieceTest() {
    for (int b = 0; b < 256; b++) {
      add("<0x%02X>".formatted(b), 6, 0);
    }
    Random random = new Random(11);
    List<String> merged = new ArrayList<>(List.of("\u2581"));
    ALPHABET.codePoints().mapToObj(Character::toString).forEach(merged::add);
    List<String> characters = List.copyOf(merged);
    while (merged.size() < 120) {
      String both =
          merged.get(random.nextInt(merged.size())) + merged.get(random.nextInt(merged.size()));
      if (both.length() < 9 && !merged.contains(both)) {
        merged.add(both);
      }
    }
    merged.removeAll(characters);
    for (int i = 0; i < merged.size(); i++) {
      add(merged.get(i), 1, -i);
    }
    characters.forEach(c -> add(c, 1, -1000));
  }

  @Test
  void textIsMergedByTheHighestScoreFromTheLeft() {
    Tokenizer tokenizer = tokenizer(true);
    Random random = new Random(5);

    for (int round = 0; round < 3000; round++) {
      String text = randomText(random);
      String marked = text.isEmpty() ? "" : ("\u2581" + text).replace(' ', '\u2581');
      assertThat(tokenizer.encode(text, SpecialTokens.AS_TEXT))
          .as(text)
          .isEqualTo(byScores(marked));
    }
  }

  @Test
  void whatHasNoTokenFallsBackToItsBytes() {
    Tokenizer tokenizer = tokenizer(false);

    assertThat(tokenizer.encode("世\n", SpecialTokens.AS_TEXT))
        .containsExactly(3 + 0xE4, 3 + 0xB8, 3 + 0x96, 3 + 0x0A);
  }

  @Test
  void aSpaceIsPutBeforeEveryTextBetweenControlTokens() {
    Tokenizer tokenizer = tokenizer(true);
    int[] alone = tokenizer.encode("ab", SpecialTokens.AS_TEXT);

    assertThat(tokenizer.encode("<s>ab</s>ab", SpecialTokens.RECOGNISED))
        .isEqualTo(afterBos(alone));
  }

  @Test
  void decodingGivesTheTextWithTheSpaceThatWasPutBeforeIt() {
    String text = "abc 好 é\n世界\0 " + "😀";

    assertThat(decodeOf(tokenizer(false), text)).isEqualTo(text);
    assertThat(decodeOf(tokenizer(true), text)).isEqualTo(" " + text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": ["
            + "{\"type\": \"Prepend\", \"prepend\": \"\u2581\"},"
            + "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\u2581\"}]}",
        "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\u2581\"}",
        "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"first\", \"split\": false}",
        "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"always\", \"split\": true}",
        "\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"never\", \"split\": true}",
        "\"normalizer\": {\"type\": \"NFKC\"}, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\"}",
      })
  void aTokenizerJsonGivesTheIdsOfHuggingFacesLibrary(String steps) {
    byte[] json = json(steps).getBytes(StandardCharsets.UTF_8);
    TokenizerDefinition definition = TokenizerDefinition.ofJson(json);
    Tokenizer tokenizer = definition.build(definition.size(), TokenizerDefinition.NO_BOS);

    try (HuggingFaceWitness witness = HuggingFaceWitness.ofJson(json)) {
      Random random = new Random(17);
      for (int round = 0; round < 1000; round++) {
        String text = randomText(random);
        assertThat(tokenizer.encode(text, SpecialTokens.RECOGNISED))
            .as(text)
            .isEqualTo(witness.encode(text));
      }
    }
  }

  private static String decodeOf(Tokenizer tokenizer, String text) {
    return tokenizer.decode(tokenizer.encode(text, SpecialTokens.AS_TEXT), false);
  }

  /// BOS, the ids, EOS, the ids again.
  private static int[] afterBos(int[] between) {
    IntStream.Builder ids = IntStream.builder().add(1);
    IntStream.of(between).forEach(ids);
    ids.add(2);
    IntStream.of(between).forEach(ids);
    return ids.build().toArray();
  }

  private void add(String token, int type, float score) {
    tokens.add(token);
    types.add(type);
    scores.add(score);
  }

  private Tokenizer tokenizer(boolean addSpacePrefix) {
    float[] scoreArray = new float[scores.size()];
    for (int i = 0; i < scoreArray.length; i++) {
      scoreArray[i] = scores.get(i);
    }
    int[] typeArray = types.stream().mapToInt(Integer::intValue).toArray();
    return TokenizerDefinition.ofGguf(
            new GgufVocabulary(
                "llama", "default", tokens, typeArray, scoreArray, List.of(), addSpacePrefix))
        .build(tokens.size(), TokenizerDefinition.NO_BOS);
  }

  /// sentencepiece's own rule, without any merges: join the two neighbours whose union has the highest score.
  private int[] byScores(String marked) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
    List<String> symbols =
        new ArrayList<>(marked.codePoints().mapToObj(Character::toString).toList());
    while (true) {
      int best = -1;
      float bestScore = Float.NEGATIVE_INFINITY;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        Integer id = ids.get(symbols.get(i) + symbols.get(i + 1));
        if (id != null && scores.get(id) > bestScore) {
          best = i;
          bestScore = scores.get(id);
        }
      }
      if (best < 0) {
        break;
      }
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
    IntStream.Builder result = IntStream.builder();
    for (String symbol : symbols) {
      Integer id = ids.get(symbol);
      if (id != null) {
        result.add(id);
      } else {
        for (byte b : symbol.getBytes(StandardCharsets.UTF_8)) {
          result.add(3 + (b & 0xFF));
        }
      }
    }
    return result.build().toArray();
  }

  private static String randomText(Random random) {
    String characters = ALPHABET + "   aabbcc\n世z";
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(random.nextInt(8) == 0 ? 200 : 24);
    for (int i = 0; i < length; i++) {
      text.append(characters.charAt(random.nextInt(characters.length())));
      if (random.nextInt(20) == 0) {
        text.append(random.nextBoolean() ? "<s>" : "</s>");
      }
    }
    return text.toString();
  }

  private String json(String steps) {
    StringBuilder vocab = new StringBuilder();
    StringBuilder merges = new StringBuilder();
    for (int id = 0; id < tokens.size(); id++) {
      vocab.append(id == 0 ? "" : ",").append('"').append(tokens.get(id)).append("\":").append(id);
    }
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      for (int cut = 1; types.get(id) == 1 && cut < token.length(); cut++) {
        if (tokens.contains(token.substring(0, cut)) && tokens.contains(token.substring(cut))) {
          merges.append(merges.isEmpty() ? "" : ",");
          merges.append("[\"" + token.substring(0, cut) + "\",\"" + token.substring(cut) + "\"]");
        }
      }
    }
    return """
        {"added_tokens": [
           {"id": 0, "content": "<unk>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
           {"id": 1, "content": "<s>", "special": true, "single_word": false, "lstrip": true, "rstrip": false, "normalized": false},
           {"id": 2, "content": "</s>", "special": true, "single_word": false, "lstrip": false, "rstrip": true, "normalized": false}],
         %s,
         "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
           "vocab": {%s}, "merges": [%s]}}
        """
        .formatted(steps, vocab, merges);
  }
}
