package dev.slabstream.tokenizer.template;

/// A chat template that cannot be compiled or rendered.
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChatTemplateException(String message) {
    super(message);
  }
}
