package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import dev.slabstream.tokenizer.Tokenizers;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenCountFloorTest {
  private static final String[] PIECES = {
    "a",
    "the ",
    "e\u0301",
    "internationalization",
    "XXXX",
    " ",
    "   \n",
    "<|im_start|>",
    "<|im_end|>",
    "0123456789",
    "é",
    "日本",
    "\u0004",
    "zz",
    "😀",
    "\t",
    "_",
    "ſ",
    "ﬁ",
    "Å",
    "<think>"
  };

  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void neverCountsMoreTokensThanThereAre(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    TokenCountFloor floor = TokenCountFloor.of(tokenizer);
    Random random = new Random(1);
    for (int round = 0; round < 500; round++) {
      StringBuilder text = new StringBuilder();
      String repeated = PIECES[random.nextInt(PIECES.length)];
      for (int i = random.nextInt(200); i > 0; i--) {
        text.append(random.nextInt(4) == 0 ? PIECES[random.nextInt(PIECES.length)] : repeated);
      }
      int tokens = tokenizer.encode(text.toString(), SpecialTokens.RECOGNISED).length;
      assertThat(floor.tokensAtLeast(text.toString())).as("%s", text).isLessThanOrEqualTo(tokens);
    }
    assertThat(floor.tokensAtLeast("x".repeat(1 << 20))).isGreaterThan(2_000);
  }

  /// The tightest text there is: the token with the most letters, over and over.
  @ParameterizedTest
  @ValueSource(strings = {"smollm2", "gpt2", "qwen3", "llama3"})
  void isReachedByTheLongestRunOfLettersInAToken(String name) {
    Tokenizer tokenizer = Tokenizers.get(name);
    TokenCountFloor floor = TokenCountFloor.of(tokenizer);
    int longest = 0;
    while (floor.tokensAtLeast("x".repeat(longest + 1)) == 0) {
      longest++;
    }
    int mostPerToken = longest + 1;
    assertThat(mostPerToken).isBetween(8, 300);
    assertThat(floor.tokensAtLeast("x".repeat(10 * mostPerToken))).isEqualTo(10);
    assertThat(floor.tokensAtLeast("x".repeat(10 * mostPerToken - 1))).isEqualTo(9);
  }
}
