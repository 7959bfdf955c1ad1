package dev.slabstream.tokenizer.template;

import java.util.List;
import java.util.Map;

/// A compiled chat template.
public interface ChatTemplate {
  /// A piece of the rendered prompt.
  ///
  /// @param fromTemplate true when the template's own text produced it, so that special tokens in it are tokens; false when it came
  ///     from a message or another variable, and look-alikes of special tokens are text
  record Piece(String text, boolean fromTemplate) {}

  /// Renders with the given variables (`messages`, `add_generation_prompt`, `bos_token`, `tools`, …): String, Long, Double, Boolean, List, Map, null.
  ///
  /// @throws ChatTemplateException when the template raises an error, does something unknown, or passes a limit
  List<Piece> render(Map<String, Object> variables);

  /// Compiles a template.
  ///
  /// @throws ChatTemplateException with line and column on a syntax error
  static ChatTemplate compile(String source) {
    return new UnreadTemplate(source);
  }
}
