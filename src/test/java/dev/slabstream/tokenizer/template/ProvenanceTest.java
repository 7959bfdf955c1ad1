package dev.slabstream.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.template.ChatTemplate.Piece;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// What came from the template, in `[ ]`, and what came from elsewhere, bare.
class ProvenanceTest {
  private static final Map<String, Object> VARIABLES =
      Map.of(
          "user", "<u>",
          "padded", "  p  ",
          "csv", "a,b",
          "list", List.of("x", "y"),
          "dict", Map.of("key", "<|im_end|>"),
          "n", 7,
          "bos_token", "<s>",
          "eos_token", "</s>",
          "pad_token", "<pad>");

  @Test
  void textAndLiteralsAreTheTemplatesAndVariablesAreNot() {
    assertPieces("a{{ user }}b", "[a]<u>[b]");
    assertPieces("{{ 'a' + user + 'b' ~ user }}", "[a]<u>[b]<u>");
    assertPieces("{{ dict.key }}{% for x in list %},{{ x }}{% endfor %}", "<|im_end|>[,]x[,]y");
    assertPieces("{% for k in dict %}{{ k }}{% endfor %}", "key");
  }

  @Test
  void neighboursOfOneProvenanceAreOnePiece() {
    assertPieces("a{{ 'b' }}c{{ user }}{{ user }}{{ '' }}d", "[abc]<u><u>[d]");
    assertThat(Rendering.pieces("{{ '' }}", VARIABLES)).isEmpty();
  }

  @Test
  void theServersTokensAreTheTemplates() {
    assertPieces("{{ bos_token }}{{ eos_token }}{{ pad_token }}", "[<s></s>]<pad>");
    assertPieces("{{ bos_token + user }}", "[<s>]<u>");
  }

  @Test
  void whatAVariableOnlyChoosesIsStillTheTemplates() {
    assertPieces(
        "{{ 'yes' if user == '<u>' else 'no' }}{{ user or 'x' }}{{ none_at_all or 'x' }}",
        "[yes]<u>[x]");
    assertPieces("{{ 'abcdef'[n - 5:] }}", "[cdef]");
  }

  @Test
  void partsAndJoinsKeepProvenance() {
    assertPieces("{{ (' [' + padded + '] ') | trim }}", "[[]  p  []]");
    assertPieces("{{ padded.strip() + '.' }}", "p[.]");
    assertPieces("{{ ('ab' + user + 'cd')[1:4] }}", "[b]<u");
    assertPieces("{{ ('ab' + csv)[::-1] }}", "b,a[ba]");
    assertPieces("{{ csv.split(',') | join('+') }}", "a[+]b");
    assertPieces("{{ list | join(csv) }}", "xa,by");
    assertPieces("{{ ('a,' + csv).split(',')[0] }}{{ ('a,' + csv).split(',')[2] }}", "[a]b");
    assertPieces("{{ csv.replace(',', '<|sep|>') }}", "a[<|sep|>]b");
    assertPieces("{{ ('<' + csv).replace('a', user) }}", "[<]<u>,b");
    assertPieces("{{ csv | indent(first=true) }}", "[    ]a,b");
    assertPieces("{{ user * 2 }}{{ 'ab' * 2 }}", "<u><u>[abab]");
    assertPieces("{% set x %}a{{ user }}{% endset %}{{ x }}", "[a]<u>");
    assertPieces("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(user) }}", "[(]<u>[)]");
  }

  @Test
  void whatIsComputedIsTheTemplatesOnlyIfAllOfItWas() {
    assertPieces("{{ 'ab' | upper }}{{ user | upper }}{{ ('ab' + user) | upper }}", "[AB]<U>AB<U>");
    assertPieces("{{ dict | tojson }}", "{\"key\": \"<|im_end|>\"}");
    assertPieces("{{ ['<|im_end|>'] | tojson }}{{ list }}", "[\"<|im_end|>\"]['x', 'y']", false);
    assertPieces("{{ user | escape }}", "&lt;u&gt;");
  }

  @Test
  void numbersAndConstantsHaveNoProvenance() {
    assertPieces(
        "{{ '<|image_' ~ n ~ '|>' }}{{ true }}{{ none }}{{ 1.5 }}", "[<|image_7|>TrueNone1.5]");
  }

  @Test
  void noLookAlikeIsEverPutTogetherAcrossABorder() {
    assertPieces("{{ '<|im_' + half }}", Map.of("half", "end|>"), "[<|im_]end|>");
    assertPieces("{{ 'aXb'.replace('X', user) }}", "[a]<u>[b]");
    assertPieces("{{ cut.replace('X', '') }}", Map.of("cut", "<|im_Xend|>"), "<|im_end|>");
  }

  /// Every character of random texts is checked against a plain list of characters with a flag each.
  @Test
  void substringsAndConcatenationsOfRandomTextsAgreeWithAListOfCharacters() {
    SplittableRandom random = new SplittableRandom(3);
    Text text = Text.EMPTY;
    String flagged = "";
    for (int i = 0; i < 3000; i++) {
      int length = text.length();
      int from = random.nextInt(length + 1);
      int to = from + random.nextInt(length - from + 1);
      switch (random.nextInt(3)) {
        case 0 -> {
          text = concat(text, Text.fromTemplate("T".repeat(random.nextInt(4))));
          flagged += "T".repeat(text.length() - length);
        }
        case 1 -> {
          text = concat(text, Text.fromElsewhere("e".repeat(random.nextInt(4))));
          flagged += "e".repeat(text.length() - length);
        }
        default -> {
          text = concat(text.substring(from, to), text.substring(random.nextInt(from + 1), from));
          int second = text.length() - (to - from);
          flagged = flagged.substring(from, to) + flagged.substring(from - second, from);
        }
      }
      assertThat(text.chars()).isEqualTo(flagged);
      String fromPieces =
          text.pieces().stream()
              .map(piece -> (piece.fromTemplate() ? "T" : "e").repeat(piece.text().length()))
              .collect(Collectors.joining());
      assertThat(fromPieces).isEqualTo(flagged);
    }
  }

  private static Text concat(Text a, Text b) {
    return new Text.Builder(new Budget()).append(a).append(b).build();
  }

  private static void assertPieces(String template, String expected) {
    assertPieces(template, VARIABLES, expected);
  }

  private static void assertPieces(String template, String expected, boolean fromTemplate) {
    assertThat(Rendering.pieces(template, VARIABLES))
        .containsExactly(new Piece(expected, fromTemplate));
  }

  private static void assertPieces(
      String template, Map<String, Object> variables, String expected) {
    String marked =
        Rendering.pieces(template, variables).stream()
            .map(piece -> piece.fromTemplate() ? "[" + piece.text() + "]" : piece.text())
            .collect(Collectors.joining());
    assertThat(marked).as(template).isEqualTo(expected);
  }
}
