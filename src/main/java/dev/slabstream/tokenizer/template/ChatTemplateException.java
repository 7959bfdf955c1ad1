package dev.slabstream.tokenizer.template;

/// A chat template that cannot be compiled or rendered. Where the place is known, the message ends with it.
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;

  public ChatTemplateException(String message) {
    super(message);
    line = 0;
    column = 0;
  }

  private ChatTemplateException(String message, int line, int column) {
    super(message + " (chat template, line " + line + ", column " + column + ")");
    this.line = line;
    this.column = column;
  }

  static ChatTemplateException at(String source, int offset, String message) {
    int line = 1;
    int lineStart = 0;
    for (int i = source.indexOf('\n'); i >= 0 && i < offset; i = source.indexOf('\n', i + 1)) {
      line++;
      lineStart = i + 1;
    }
    return new ChatTemplateException(message, line, offset - lineStart + 1);
  }

  /// From 1; 0 when no place in the template is known.
  public int line() {
    return line;
  }

  /// From 1; 0 when no place in the template is known.
  public int column() {
    return column;
  }
}
