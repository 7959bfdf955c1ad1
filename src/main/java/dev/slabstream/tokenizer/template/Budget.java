package dev.slabstream.tokenizer.template;

/// Counts what one rendering has used of its [Limits]. One rendering, one thread.
final class Budget {
  private int steps;
  private int depth;

  void enter() {
    spend(1);
    if (++depth > Limits.RENDER_DEPTH) {
      throw new TemplateFailure("nested too deeply: more than " + Limits.RENDER_DEPTH + " levels");
    }
  }

  void leave() {
    depth--;
  }

  /// For work over a list of this many elements.
  void elements(long count) {
    spend(1 + count);
  }

  /// For work on this many characters, about to be made or searched.
  void chars(long count) {
    checkLength(count);
    spend(1 + count / Limits.CHARS_PER_STEP);
  }

  /// For a text that has grown to this length.
  void checkLength(long length) {
    if (length > Limits.TEXT_CHARS) {
      throw new TemplateFailure(
          "a text of " + length + " characters; the limit is " + Limits.TEXT_CHARS);
    }
  }

  /// For looking for `numWanted` characters in a text of `length`, at worst at every place of it.
  void search(long length, long numWanted) {
    spend(1 + length * numWanted / Limits.COMPARISONS_PER_STEP);
  }

  private void spend(long count) {
    if (count < 0 || count > Limits.STEPS - steps) {
      throw new TemplateFailure("takes more than " + Limits.STEPS + " steps");
    }
    steps += (int) count;
  }
}
