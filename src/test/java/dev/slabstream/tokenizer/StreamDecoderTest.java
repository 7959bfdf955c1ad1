package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {
  private static final String GREETING = "e\u0301 👩\u200D🚀 👨\u200D👩\u200D👧 한국어 नमस्ते 🇫🇷!";

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void piecesOfRandomIdsTogetherAreWhatTheyDecodeTo(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    Random random = new Random(7);

    for (int round = 0; round < 400; round++) {
      int[] ids = random.ints(60, 0, tokenizer.vocabSize()).toArray();
      for (int i = 0; i < ids.length; i++) {
        // Single bytes of all values, so that broken and unfinished sequences abound.
        if (random.nextInt(3) > 0) {
          ids[i] = byteToken(tokenizer, random.nextInt(256), ids[i]);
        }
      }
      boolean skipSpecial = random.nextBoolean();
      StreamDecoder decoder = tokenizer.streamDecoder(skipSpecial);
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        String piece = decoder.next(id);
        assertThat(Surrogates.firstLone(piece)).isNegative();
        text.append(piece);
      }
      boolean heldBack = decoder.holdsBack();
      String tail = decoder.finish();
      assertThat(heldBack).isEqualTo(!tail.isEmpty());
      assertThat(text + tail).isEqualTo(tokenizer.decode(ids, skipSpecial));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void everyPieceEndsAtACharacterAndNoneIsLost(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    int[] ids = tokenizer.encode(GREETING, Tokenizer.SpecialTokens.AS_TEXT);
    StreamDecoder decoder = tokenizer.streamDecoder(false);
    StringBuilder text = new StringBuilder();

    for (int id : ids) {
      text.append(decoder.next(id));
      assertThat(GREETING.startsWith(text.toString()) || name.equals("qwen3")).isTrue();
    }

    assertThat(decoder.holdsBack()).isFalse();
    assertThat(decoder.finish()).isEmpty();
    String composed = java.text.Normalizer.normalize(GREETING, java.text.Normalizer.Form.NFC);
    assertThat(text).hasToString(name.equals("qwen3") ? composed : GREETING);
  }

  @Test
  void aCharacterIsHeldBackUntilItsLastByte() {
    Tokenizer tokenizer = Tokenizers.get("gpt2");
    StreamDecoder decoder = tokenizer.streamDecoder(false);

    assertThat(decoder.next(byteToken(tokenizer, 0xF0, -1))).isEmpty();
    assertThat(decoder.next(byteToken(tokenizer, 0x9F, -1))).isEmpty();
    assertThat(decoder.next(byteToken(tokenizer, 0x98, -1))).isEmpty();
    assertThat(decoder.holdsBack()).isTrue();
    assertThat(decoder.next(byteToken(tokenizer, 0x80, -1))).isEqualTo("😀");
    assertThat(decoder.holdsBack()).isFalse();
  }

  @Test
  void invalidBytesAreReplacedAsSoonAsTheyAreCertain() {
    Tokenizer tokenizer = Tokenizers.get("gpt2");
    StreamDecoder decoder = tokenizer.streamDecoder(false);

    assertThat(decoder.next(byteToken(tokenizer, 0xE0, -1))).isEmpty();
    assertThat(decoder.next(byteToken(tokenizer, 0x80, -1))).isEqualTo("\uFFFD\uFFFD");
    assertThat(decoder.next(byteToken(tokenizer, 0xFF, -1))).isEqualTo("\uFFFD");
    assertThat(decoder.next(byteToken(tokenizer, 0xE2, -1))).isEmpty();
    assertThat(decoder.next(byteToken(tokenizer, 'x', -1))).isEqualTo("\uFFFDx");
    assertThat(decoder.next(byteToken(tokenizer, 0xC3, -1))).isEmpty();
    assertThat(decoder.finish()).isEqualTo("\uFFFD");
  }

  @Test
  void aSkippedSpecialTokenDoesNotBreakTheCharacterAroundIt() {
    Tokenizer tokenizer = Tokenizers.get("gpt2");
    StreamDecoder decoder = tokenizer.streamDecoder(true);

    assertThat(decoder.next(byteToken(tokenizer, 0xC3, -1))).isEmpty();
    assertThat(decoder.next(50256)).isEmpty();
    assertThat(decoder.next(byteToken(tokenizer, 0xA9, -1))).isEqualTo("é");
  }

  @Test
  void anIdOutsideTheVocabularyIsRefused() {
    StreamDecoder decoder = Tokenizers.get("gpt2").streamDecoder(false);

    assertThatThrownBy(() -> decoder.next(50257)).hasMessage("id: must be 0 to 50256, is 50257");
    assertThatThrownBy(() -> decoder.next(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  private static int byteToken(Tokenizer tokenizer, int b, int otherwise) {
    String token = String.valueOf(TextForm.charOfByte(b));
    int id = tokenizer.tokenId(token).orElse(otherwise);
    assertThat(id == otherwise || tokenizer.tokenBytes(id)[0] == (byte) b)
        .as("%s", new String(new byte[] {(byte) b}, StandardCharsets.ISO_8859_1))
        .isTrue();
    return id;
  }
}
