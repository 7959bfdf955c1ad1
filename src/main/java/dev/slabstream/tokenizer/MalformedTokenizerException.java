package dev.slabstream.tokenizer;

/// A tokenizer's description (`tokenizer.json`, or a vocabulary out of GGUF metadata) that cannot be used: what was expected
/// where, and what was found instead.
public final class MalformedTokenizerException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String where;
  private final String expected;
  private final String found;

  /// @param where the place: `model.merges[17]`, `tokenizer.ggml.token_type`, …
  public MalformedTokenizerException(String where, String expected, String found) {
    super(where + ": expected " + expected + "; found " + found);
    this.where = where;
    this.expected = expected;
    this.found = found;
  }

  public String where() {
    return where;
  }

  public String expected() {
    return expected;
  }

  public String found() {
    return found;
  }
}
