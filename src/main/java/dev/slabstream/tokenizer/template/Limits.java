package dev.slabstream.tokenizer.template;

/// What a template may cost. Templates come with model files, and what they work on comes from users; both are untrusted.
final class Limits {
  /// Characters of the template. The longest templates in use have about 30,000.
  static final int SOURCE_CHARS = 256 * 1024;

  /// Nesting of blocks and expressions while compiling.
  static final int PARSE_DEPTH = 100;

  /// Nesting of statements, expressions, calls and values while rendering: what fits a stack of 512 KiB.
  static final int RENDER_DEPTH = 200;

  /// Nodes visited in one rendering; every [#CHARS_PER_STEP] characters made or searched count as one more, as does every
  /// element of a list.
  static final int STEPS = 2_000_000;

  static final int CHARS_PER_STEP = 32;

  /// A search may compare every character of what is wanted at every place.
  static final int COMPARISONS_PER_STEP = 1024;

  /// Characters of the output, and of every string on the way to it.
  static final int TEXT_CHARS = 4 * 1024 * 1024;

  /// Elements of `range(...)`, as in Jinja's sandbox.
  static final int RANGE_SIZE = 100_000;

  private Limits() {}
}
