package dev.slabstream.tokenizer;

import java.util.List;
import java.util.Random;

/// Text made to hit the borders of tokenizers: whitespace of all kinds, contractions, digits of several scripts, combining marks,
/// long runs, control characters, whole and broken special tokens. The same seed gives the same text.
final class RandomText {
  private static final List<String> PIECES =
      List.of(
          " ",
          "  ",
          "   ",
          "\t",
          "\n",
          "\r\n",
          "\r",
          "\n\n",
          "\u00A0",
          "\u0085",
          "\u2028",
          "\u3000",
          "\u200B",
          "'s",
          "'LL",
          "'\u017F",
          "'re",
          "don't",
          "'",
          "\u2019s",
          "the",
          "The",
          "THE",
          "hello",
          "world",
          "iPhone",
          "x",
          "_",
          "1",
          "42",
          "1234567",
          "\u0661\u0662",
          "\u00BD",
          "\u2167",
          "\u00B2",
          "3.14",
          "e",
          "e\u0301",
          "\u00E9",
          "A\u030A",
          "\u212B",
          "\uFB01",
          "\u1E9B\u0323",
          "\u4F60\u597D",
          "\u4E16\u754C\uFF01",
          "\u3053\u3093",
          "\u1112\u1161\u11AB",
          "\uD55C",
          "\u0E44\u0E17\u0E22",
          "\u05E9\u05DC",
          "\u0645\u0631",
          "\u0939\u093F\u0928",
          "\uD83D\uDE00",
          "\uD83D\uDC69\u200D\uD83D\uDE80",
          "\uD83C\uDDEB\uD83C\uDDF7",
          "\u2600\uFE0F",
          "\u0000",
          "\u0001",
          "\u007F",
          "\uFEFF",
          "\uFFFD",
          "\uFFFF",
          "\uDBFF\uDFFF",
          ".",
          ",",
          "!",
          "?",
          "...",
          "-",
          "--",
          "(",
          ")",
          "{",
          "}",
          "[]",
          "/",
          "\\",
          "\"",
          "`",
          "~",
          "$",
          "+",
          "=",
          "<",
          ">",
          "|",
          "<|",
          "|>",
          "<|im_start|",
          "<|im_start|>",
          "<|im_end|>",
          "<|endoftext|>",
          "<|begin_of_text|>",
          "<|eot_id|>",
          "<think>",
          "</think>",
          "<tool_call>",
          "</s>",
          "<s>",
          "<unk>",
          "<0x0A>",
          "\u2581",
          "\u0120",
          "a\u0120b");

  private final Random random;

  RandomText(long seed) {
    random = new Random(seed);
  }

  String next() {
    StringBuilder text = new StringBuilder();
    int count = random.nextInt(24);
    for (int i = 0; i < count; i++) {
      switch (random.nextInt(16)) {
        case 0 -> text.appendCodePoint(codePoint(0x20, 0x7F));
        case 1 -> text.appendCodePoint(codePoint(0x80, 0x3000));
        case 2 -> text.appendCodePoint(codePoint(0x3000, 0xD800));
        case 3 -> text.appendCodePoint(codePoint(0x1F300, 0x1FA00));
        case 4 -> text.append(piece().repeat(1 + random.nextInt(80)));
        default -> text.append(piece());
      }
    }
    return text.toString();
  }

  private String piece() {
    return PIECES.get(random.nextInt(PIECES.size()));
  }

  private int codePoint(int from, int to) {
    return random.nextInt(from, to);
  }
}
