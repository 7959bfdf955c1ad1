package dev.slabstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8DecoderTest {
  /// The examples of the Unicode Standard, tables 3-8 to 3-11; `?` stands for U+FFFD.
  @ParameterizedTest
  @CsvSource({
    "C0AFE080BFF0818241, ????????A",
    "EDA080EDBFBFEDAF41, ????????A",
    "F4919293FF4180BF42, ?????A??B",
    "E180E2F09192F1BF41, ????A",
    "61F18080E180C262806380BF64, a???b?c??d",
    "C3, ?",
    "F09F98, ?",
    "F09F9880, 😀",
    "F48FBFBF, \uDBFF\uDFFF",
  })
  void everyMaximalInvalidPartBecomesOneReplacement(String hex, String expected) {
    assertThat(decode(HexFormat.of().parseHex(hex))).isEqualTo(expected.replace('?', '\uFFFD'));
  }

  @Test
  void randomBytesDecodeAsTheJdkDecodesThemWhereNoSurrogateIsEncoded() {
    Random random = new Random(3);
    int[] edges = {
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
      0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xFF
    };
    byte[] bytes = new byte[12];
    for (int round = 0; round < 200_000; round++) {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) edges[random.nextInt(edges.length)];
      }
      assertThat(decode(bytes)).isEqualTo(new String(bytes, StandardCharsets.UTF_8));
    }
  }

  @Test
  void everyCodePointComesBack() {
    StringBuilder all = new StringBuilder();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        all.appendCodePoint(c);
      }
    }
    String text = all.toString();

    assertThat(decode(text.getBytes(StandardCharsets.UTF_8)).equals(text)).isTrue();
  }

  private static String decode(byte[] bytes) {
    Utf8Decoder decoder = new Utf8Decoder();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes.length; i++) {
      decoder.decode(bytes, i, 1, text);
    }
    decoder.finish(text);
    return text.toString();
  }
}
