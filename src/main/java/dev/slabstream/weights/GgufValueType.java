package dev.slabstream.weights;

import org.jspecify.annotations.Nullable;

/// The types of metadata values; the ordinal is the number in the file.
enum GgufValueType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  /// Length as 64 bits, then that many bytes of UTF-8.
  STRING(8),
  /// Type of the elements as 32 bits, their number as 64 bits, then the elements.
  ARRAY(12),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private static final GgufValueType[] ALL = values();

  private final int minBytes;

  GgufValueType(int minBytes) {
    this.minBytes = minBytes;
  }

  /// The size of a value, or for [#STRING] and [#ARRAY] of an empty one.
  int minBytes() {
    return minBytes;
  }

  boolean isFixedSize() {
    return this != STRING && this != ARRAY;
  }

  static @Nullable GgufValueType ofId(int id) {
    return id >= 0 && id < ALL.length ? ALL[id] : null;
  }
}
