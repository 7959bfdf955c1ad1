package dev.slabstream.weights;

import java.nio.file.Path;

/// A model file, or a folder of them, that cannot be used: what was expected where, and what was
/// found instead.
public final class MalformedModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Path path;
  private final String where;
  private final String expected;
  private final String found;

  /// @param where the place: `offset 1412`, `key llama.block_count`, `tensor blk.0.attn_q.weight`,
  ///   …
  public MalformedModelException(Path path, String where, String expected, String found) {
    super(path + ", " + where + ": expected " + expected + "; found " + found);
    this.path = path;
    this.where = where;
    this.expected = expected;
    this.found = found;
  }

  public Path path() {
    return path;
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
