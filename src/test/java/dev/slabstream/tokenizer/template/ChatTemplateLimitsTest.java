package dev.slabstream.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates that would run, grow or nest without end: which of the [Limits] ends each, and the places that errors name. The timeout is
/// for those that nothing ends.
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChatTemplateLimitsTest {
  private static void assertEnds(String template, Map<String, Object> variables, String limit) {
    ChatTemplate compiled = ChatTemplate.compile(template);
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> compiled.render(variables))
        .withMessageContaining(limit);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% for x in range(99999) %}{{ 'x' * 99 }}{% endfor %}",
        "{{ [1] * 9223372036854775807 }}",
        "{% set ns = namespace(s='xx') %}{% for x in range(99) %}{% set ns.s = ns.s.replace('x',"
            + " 'xx') %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(99) %}{% set ns.l = ns.l + ns.l %}{%"
            + " endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(40) %}{% set ns.l = [ns.l, ns.l] %}{%"
            + " endfor %}{{ ns.l == [ns.l[0], ns.l[0]] }}",
      })
  void whatWouldRunWithoutEndEndsAtTheLimitOfSteps(String template) {
    assertEnds(template, Map.of(), "takes more than " + Limits.STEPS + " steps");
  }

  /// What is wanted differs from what there is in its last character only, at every place.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ n in h }}",
        "{{ h.split(n) }}",
        "{{ h.rsplit(n) }}",
        "{{ h.count(n) }}",
        "{{ h.find(n) }}",
        "{{ h.replace(n, '') }}",
        "{{ h | replace(n, '') }}",
        "{{ h | trim(n) }}",
        "{{ h.strip(n) }}"
      })
  void searchesEndAtTheLimitOfSteps(String template) {
    Map<String, Object> few = Map.of("h", "a".repeat(40), "n", "a".repeat(20) + "b");
    assertThatCode(() -> Rendering.text(template, few)).doesNotThrowAnyException();
    Map<String, Object> many = Map.of("h", "a".repeat(4_000_000), "n", "a".repeat(2_000_000) + "b");
    assertEnds(template, many, "takes more than " + Limits.STEPS + " steps");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'x' * 9999999 }}",
        "{{ 'x' * 9223372036854775807 }}",
        "{{ ' ' | indent(99999999999) }}",
        "{{ 'x' | indent(9999999, true) }}",
        "{{ [1] | tojson(indent=99999999) }}",
        "{% set ns = namespace(s='xx') %}{% for x in range(99) %}{% set ns.s = ns.s + ns.s %}{%"
            + " endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(99) %}{% set ns.l = [ns.l, ns.l] %}{%"
            + " endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(30) %}{% set ns.l = [ns.l, ns.l] %}{%"
            + " endfor %}{{ ns.l | tojson }}"
      })
  void whatWouldGrowWithoutEndEndsAtTheLimitOfLength(String template) {
    assertEnds(template, Map.of(), " characters; the limit is " + Limits.TEXT_CHARS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{% macro m() %}{% for x in range(9) %}{{ m() }}{% endfor %}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(9999) %}{% set ns.l = [ns.l] %}{% endfor"
            + " %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for x in range(9999) %}{% set ns.l = [ns.l] %}{% endfor"
            + " %}{{ ns.l | tojson }}"
      })
  void whatWouldNestWithoutEndEndsAtTheLimitOfDepth(String template) {
    assertEnds(
        template, Map.of(), "nested too deeply: more than " + Limits.RENDER_DEPTH + " levels");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {{ range(200000) }}             | range is too large: the limit is 100000
          {{ 9223372036854775807 + 1 }}   | an integer beyond 64 bits
          {{ 10 ** 30 }}                  | an integer beyond 64 bits
          {{ strftime_now('%Y' * 9999) }} | a format of 19998 characters; the limit is 1000
          """,
      quoteCharacter = '"')
  void whatHasALimitOfItsOwnEndsAtThat(String template, String limit) {
    assertEnds(template, Map.of(), limit);
  }

  @Test
  void deeplyNestedSourceIsRefusedAndLongFlatSourceIsNot() {
    for (String[] nest :
        new String[][] {
          {"{{ ", "(", "1", ")", " }}"},
          {"{{ ", "[", "1", "]", " }}"},
          {"{{ ", "not ", "1", "", " }}"},
          {"{{ ", "- ", "1", "", " }}"},
          {"{{ ", "{1:", "1", "}", " }}"},
          {"{{ ", "1 if 1 else ", "1", "", " }}"},
          {"{% set ", "(", "a", ")", " = 1 %}"},
          {"", "{% if 1 %}", "x", "{% endif %}", ""},
          {"", "{% for x in y %}", "x", "{% endfor %}", ""}
        }) {
      String source =
          nest[0]
              + nest[1].repeat(20_000 / nest[1].length())
              + nest[2]
              + nest[3].repeat(20_000 / nest[1].length())
              + nest[4];
      assertThatExceptionOfType(ChatTemplateException.class)
          .isThrownBy(() -> ChatTemplate.compile(source))
          .withMessageContaining("nested too deeply");
    }
    String flat = "{{ 1" + "+1".repeat(5_000) + " }}";
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(flat).render(Map.of()))
        .withMessageContaining("nested too deeply");
    assertThat(Rendering.text("{{ 1" + "~1".repeat(5_000) + " }}", Map.of())).hasSize(5_001);
    assertThat(Rendering.text("{% if 1 %}x{% endif %}".repeat(5_000), Map.of())).hasSize(5_000);
    assertThat(Rendering.text("{{ 1" + "_1".repeat(9) + " }}", Map.of())).isEqualTo("1".repeat(10));
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile("{{ 1" + "_1".repeat(50_000) + " }}"))
        .withMessageContaining("64 bits");
  }

  /// The limits on depth must be reached before the stack's end, also on a thread whose stack is small.
  @Test
  void theDepthLimitsFitASmallStack() throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        new Thread(
            null,
            () -> {
              for (String template :
                  List.of(
                      "{% macro m(n) %}{% if 1 %}{% for x in [n] %}{{ m([x]) }}{% endfor %}{% endif"
                          + " %}{% endmacro %}{{ m(0) }}",
                      "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m()"
                          + " }}",
                      "{{ " + "(".repeat(5_000),
                      "{% if 1 %}{% for x in y %}{% set z %}".repeat(2_000))) {
                try {
                  ChatTemplate.compile(template).render(Map.of());
                } catch (ChatTemplateException expected) {
                  continue;
                } catch (StackOverflowError e) {
                  thrown.set(e);
                }
              }
            },
            "small stack",
            512 * 1024);
    thread.start();
    thread.join();
    assertThat(thrown.get()).isNull();
  }

  @Test
  void aSourceThatIsTooLongIsRefused() {
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile("x".repeat(300_000)))
        .withMessageContaining("300000 characters; the limit is 262144");
  }

  @Test
  void aVariableThatIsNestedTooDeeplyOrOfAnUnknownTypeIsRefused() {
    Object nested = "x";
    for (int i = 0; i < 1000; i++) {
      nested = List.of(nested);
    }
    ChatTemplate template = ChatTemplate.compile("{{ v }}");
    Map<String, Object> deep = Map.of("v", nested);
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> template.render(deep))
        .withMessageContaining("nested too deeply");
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> template.render(Map.of("v", new StringBuilder())))
        .withMessageContaining("the variable 'v' holds a StringBuilder");
  }

  @Test
  void aMegabyteOfChatRendersWithinTheLimits() {
    String content = "</think>x y z\n".repeat(75_000);
    String template =
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n"
            + "' + (m.content.split('</think>') | join('#')).strip() + '<|im_end|>' }}{% endfor %}";
    Map<String, Object> variables =
        Map.of("messages", List.of(Map.of("role", "user", "content", content)));
    assertThat(Rendering.text(template, variables)).startsWith("<|im_start|>user\n#x y z\n#");
    assertThat(Rendering.text("{{ messages | tojson }}", variables))
        .hasSizeGreaterThan(content.length());
  }

  @Test
  void aThousandMessagesRenderWithinTheLimits() {
    Map<String, Object> message = Map.of("role", "user", "content", "Hello there, how are you?");
    Map<String, Object> variables = Map.of("messages", Collections.nCopies(1000, message));
    String template =
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) and m.x %}{{"
            + " raise_exception('x') }}{% endif %}{{ '[' ~ m['role'] ~ '] ' ~ m['content'] | trim"
            + " }}{% endfor %}";
    assertThat(Rendering.text(template, variables))
        .hasSize(1000 * "[user] Hello there, how are you?".length());
  }

  @Test
  void errorsNameLineAndColumn() {
    assertPlace("a\n  {{ x.y.z }}", 2, 9, "a dict has no attribute 'y'");
    assertPlace("a\n\n{% foo %}", 3, 4, "unknown statement 'foo'");
    assertPlace("{{ x | nofilter }}", 1, 8, "unknown filter 'nofilter'");
    assertPlace("{{ x is notest }}", 1, 9, "unknown test 'notest'");
    assertPlace("x{% if a %}\n{% for b in c %}", 2, 4, "'for' without its end");
    assertPlace(
        "{% if a %}{% endfor %}", 1, 14, "expected 'elif', 'else' or 'endif'; found 'endfor'");
    assertPlace("{{ 'abc }}", 1, 4, "a string that does not end");
    assertPlace(
        "{% if t %}\r\n{{ 1 +\r\n 'a' }}{% endif %}{{ 1 + 'a' }}",
        3, 24, "does not work on an integer and a string");
  }

  private static void assertPlace(String template, int line, int column, String message) {
    assertThatExceptionOfType(ChatTemplateException.class)
        .isThrownBy(() -> Rendering.text(template, Map.of("x", Map.of())))
        .satisfies(
            e -> {
              assertThat(e).hasMessageContaining(message);
              assertThat(e.line()).isEqualTo(line);
              assertThat(e.column()).isEqualTo(column);
            });
  }
}
