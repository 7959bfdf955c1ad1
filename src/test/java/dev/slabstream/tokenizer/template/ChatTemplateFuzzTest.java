package dev.slabstream.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tokenizer.Tokenizers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Templates broken at random: whatever they have become, they render, or fail with a [ChatTemplateException], and soon.
/// The seed is fixed; a failure names the template.
class ChatTemplateFuzzTest {
  private static final int NUM_MUTANTS = 8000;
  private static final List<String> FRAGMENTS =
      List.of(
          "{{",
          "}}",
          "{%",
          "%}",
          "{#",
          "#}",
          "-",
          "+",
          "(",
          ")",
          "[",
          "]",
          "{",
          "}",
          "'",
          "\"",
          "\\",
          "|",
          ".",
          ":",
          ",",
          "~",
          "*",
          "**",
          "//",
          "%",
          "=",
          "==",
          "<",
          " is ",
          " in ",
          " not ",
          " if ",
          " else ",
          "{% for x in messages %}",
          "{% endfor %}",
          "{% if x %}",
          "{% endif %}",
          "{% set x = ",
          "{% raw %}",
          "{% endraw %}",
          "{% macro m(x) %}",
          "{% endmacro %}",
          "{{ m(m) }}",
          "namespace(",
          "range(99999)",
          "messages",
          "loop",
          "9223372036854775807",
          "-1",
          "1e308",
          "0",
          "''",
          "none",
          "[::-1]",
          " | tojson",
          " | sort",
          " | map(",
          " | list",
          " | join",
          " | indent(9)",
          " | round",
          " | int",
          ".split(",
          ".items()",
          "\n",
          "\u0000",
          "\ud800",
          "🌍");

  @Test
  @Timeout(120)
  void brokenTemplatesNeitherHangNorFailInAnyOtherWay() {
    Map<String, Object> snippets =
        Rendering.json(Path.of("src/test/resources/templates/snippets.json"));
    Map<String, Object> variables = new HashMap<>(Rendering.map(snippets, "variables"));
    variables.put("add_generation_prompt", true);
    List<String> templates = new ArrayList<>();
    templates.add(chatTemplate("smollm2"));
    for (Map<String, Object> snippet : Rendering.maps(snippets, "cases")) {
      templates.add(String.valueOf(snippet.get("template")));
      // The long ones of a model among many short ones.
      templates.add(templates.size() % 10 == 0 ? chatTemplate("qwen3") : templates.getFirst());
    }

    SplittableRandom random = new SplittableRandom(11);
    int rendered = 0;
    int refused = 0;
    for (int i = 0; i < NUM_MUTANTS; i++) {
      String mutant = mutated(random, templates);
      try {
        Rendering.text(mutant, variables);
        rendered++;
      } catch (ChatTemplateException e) {
        refused++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("mutant " + i + ": " + mutant, e);
      }
    }
    assertThat(rendered).as("mutants that render, of %s", NUM_MUTANTS).isGreaterThan(200);
    assertThat(refused).as("mutants that fail, of %s", NUM_MUTANTS).isGreaterThan(200);
  }

  private static String mutated(SplittableRandom random, List<String> templates) {
    StringBuilder mutant = new StringBuilder(templates.get(random.nextInt(templates.size())));
    for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
      int from = random.nextInt(mutant.length() + 1);
      int to = Math.min(mutant.length(), from + random.nextInt(12));
      switch (random.nextInt(5)) {
        case 0 -> mutant.delete(from, to);
        case 1 -> mutant.insert(from, FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
        case 2 -> mutant.replace(from, to, FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
        case 3 -> mutant.insert(from, mutant.substring(from, to).repeat(1 + random.nextInt(50)));
        default -> {
          String other = templates.get(random.nextInt(templates.size()));
          int start = random.nextInt(other.length() + 1);
          mutant.insert(
              from, other.substring(start, Math.min(other.length(), start + random.nextInt(60))));
        }
      }
    }
    return mutant.toString();
  }

  private static String chatTemplate(String model) {
    Map<String, Object> goldens = Rendering.json(Tokenizers.folder(model).resolve("chat.json"));
    return String.valueOf(goldens.get("chat_template"));
  }
}
