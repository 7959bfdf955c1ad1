package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import dev.slabstream.weights.Checkpoint;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Ours against Hugging Face's own library, where the goldens have no case.
class HuggingFaceWitnessTest {
  private static final int NUM_TEXTS = 500;

  /// They compose in Unicode 16, which the JDK knows and the library does not yet.
  private static final Set<Integer> COMPOSE_IN_UNICODE_16 = Set.of(0x113C2, 0x1611E, 0x16D67);

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void randomTextGivesTheSameIds(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    byte[] json = json(name);

    try (HuggingFaceWitness witness = HuggingFaceWitness.ofJson(json);
        HuggingFaceWitness asText = HuggingFaceWitness.withoutAddedTokens(json)) {
      RandomText texts = new RandomText(name.hashCode());
      for (int i = 0; i < NUM_TEXTS; i++) {
        String text = texts.next();
        assertThat(tokenizer.encode(text, SpecialTokens.RECOGNISED))
            .as(text)
            .isEqualTo(witness.encode(text));
        assertThat(tokenizer.encode(text, SpecialTokens.AS_TEXT))
            .as(text)
            .isEqualTo(asText.encode(text));
      }
    }
  }

  @Test
  void everyCharacterIsTakenForTheSameKindOfCharacter() {
    Tokenizer tokenizer = Tokenizers.get("qwen3");

    try (HuggingFaceWitness witness =
        HuggingFaceWitness.ofJson(Tokenizers.tokenizerJson("qwen3"))) {
      for (int block = 0; block < 0x20000; block += 32) {
        StringBuilder text = new StringBuilder();
        for (int c = block; c < block + 32; c++) {
          boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
          if (!surrogate && !COMPOSE_IN_UNICODE_16.contains(c)) {
            String it = Character.toString(c);
            text.append("a").append(it).append("b 1").append(it).append("2 ").append(it).append(it);
            text.append("\n").append(it).append(" 'S").append(it);
          }
        }
        int[] ids = tokenizer.encode(text.toString(), SpecialTokens.RECOGNISED);
        int[] expected = witness.encode(text.toString());
        if (!Arrays.equals(ids, expected)) {
          assertThat(ids).as("U+%04X and the 31 after it", block).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void longPiecesGiveTheSameIds() {
    Tokenizer tokenizer = Tokenizers.get("gpt2");

    try (HuggingFaceWitness witness = HuggingFaceWitness.ofJson(Tokenizers.tokenizerJson("gpt2"))) {
      for (String unit : new String[] {"a", "!", "ab", "the", "Ünïcödé", "\uD83D\uDE00", "好"}) {
        for (int length : new int[] {47, 48, 49, 50, 97, 1000, 5001}) {
          String text = unit.repeat(length);
          assertThat(tokenizer.encode(text, SpecialTokens.RECOGNISED))
              .as("%s x %d", unit, length)
              .isEqualTo(witness.encode(text));
        }
      }
    }
  }

  private static byte[] json(String name) {
    if (!name.equals("smollm2")) {
      return Tokenizers.tokenizerJson(name);
    }
    try (Checkpoint checkpoint = Checkpoint.open(Tokenizers.SMOLLM2)) {
      return HuggingFaceWitness.smollm2Json(
          Tokenizers.get(name),
          checkpoint.metadata().strings("tokenizer.ggml.merges").orElseThrow());
    }
  }
}
