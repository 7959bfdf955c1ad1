package dev.slabstream.kvcache;

/// What names the content of a full block: 256 bits of a hash over its scope and all tokens up to its end, see [BlockKeys].
record BlockKey(long a, long b, long c, long d) {
  /// Any part of a good hash is one.
  @Override
  public int hashCode() {
    return Long.hashCode(a);
  }
}
