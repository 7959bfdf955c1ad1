package dev.slabstream.tokenizer.template;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/// A parsed template. Immutable; any number of threads may render it at once.
final class CompiledTemplate implements ChatTemplate {
  private final String source;
  private final List<Node> nodes;
  private final Clock clock;

  CompiledTemplate(String source, Clock clock) {
    if (source.length() > Limits.SOURCE_CHARS) {
      throw new ChatTemplateException(
          "a chat template of "
              + source.length()
              + " characters; the limit is "
              + Limits.SOURCE_CHARS);
    }
    this.source = Lexer.normalise(source);
    this.clock = clock;
    nodes = Parser.parse(this.source);
  }

  @Override
  public List<Piece> render(Map<String, Object> variables) {
    Budget budget = new Budget();
    try {
      Scope globals = new Globals(budget, new Printer(budget), clock).scope();
      Scope scope = new Scope(new Variables(budget).scope(variables, globals));
      return new Interpreter(source, budget).run(nodes, scope).pieces();
    } catch (TemplateFailure failure) {
      throw new ChatTemplateException(String.valueOf(failure.getMessage()));
    }
  }
}
