package dev.slabstream.tokenizer.template;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/// A compiled chat template. Immutable and thread-safe.
///
/// Templates are untrusted, as the files are that they come with, and so is what they render: a rendering ends within
/// limits on steps, text length and nesting, or fails.
public interface ChatTemplate {
  /// A piece of the rendered prompt.
  ///
  /// @param fromTemplate true when the template's own text produced it, so that special tokens in it are tokens; false when it came
  ///     from a message or another variable, and look-alikes of special tokens are text
  record Piece(String text, boolean fromTemplate) {}

  /// Renders with the given variables (`messages`, `add_generation_prompt`, `bos_token`, `tools`, …): String, Integer, Long,
  /// Double, Boolean, List, Map, null. The pieces are as long as can be: neighbours differ in provenance.
  ///
  /// `bos_token` and `eos_token` count as the template's, as the server takes them from the model's files: they must not be
  /// taken from a request.
  ///
  /// @throws ChatTemplateException when the template raises an error, does something unknown, or passes a limit
  List<Piece> render(Map<String, Object> variables);

  /// Compiles a template; `strftime_now` reads the system's clock and time zone.
  ///
  /// @throws ChatTemplateException with line and column on a syntax error, an unknown statement, filter or test, and
  ///     when the source is too long
  static ChatTemplate compile(String source) {
    return compile(source, Clock.systemDefaultZone());
  }

  /// Compiles a template that reads the time from `clock`.
  ///
  /// @throws ChatTemplateException as above
  static ChatTemplate compile(String source, Clock clock) {
    return new CompiledTemplate(source, clock);
  }
}
