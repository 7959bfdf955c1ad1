package dev.slabstream.tokenizer.template;

/// Something a template did wrong, before anyone knows where: the interpreter adds the place of the innermost node and makes
/// it a [ChatTemplateException].
final class TemplateFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TemplateFailure(String message) {
    super(message, null, false, false);
  }
}
