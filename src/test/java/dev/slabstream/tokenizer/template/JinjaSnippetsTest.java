package dev.slabstream.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Small templates, each held against what Jinja2 itself makes of it: `templates/snippets.json`, remade by
/// `templates/make_snippets.py`.
class JinjaSnippetsTest {
  private static final int NUM_CASES = 233;

  @Test
  void everySnippetRendersAsInJinjaOrFailsAsInJinja() {
    Map<String, Object> goldens =
        Rendering.json(Path.of("src/test/resources/templates/snippets.json"));
    List<Map<String, Object>> cases = Rendering.maps(goldens, "cases");
    assertThat(cases).hasSize(NUM_CASES);

    List<String> differences = new ArrayList<>();
    for (Map<String, Object> golden : cases) {
      String template = String.valueOf(golden.get("template"));
      String expected =
          golden.containsKey("error")
              ? "an error: " + golden.get("error")
              : "=" + golden.get("rendered");
      String found;
      try {
        found = "=" + Rendering.text(template, Rendering.map(goldens, "variables"));
      } catch (ChatTemplateException e) {
        found = "an error: " + e.getMessage();
      }
      boolean bothFail = expected.startsWith("an error") && found.startsWith("an error");
      if (!bothFail && !found.equals(expected)) {
        differences.add("\n" + template + "\n  Jinja2 " + expected + "\n  ours   " + found);
      }
    }
    assertThat(differences).isEmpty();
  }
}
