package dev.slabstream.tensor;

import java.lang.foreign.MemorySegment;

/// A typed, read-only view of a matrix or a vector in memory, row-major: row `r` is `cols` contiguous elements.
///
/// A vector has one row. The view owns nothing: it is valid as long as the memory behind `data`, which is
/// the owner's to close (for weights, the [java.lang.foreign.Arena] of the checkpoint).
///
/// @param name the name in the file, for messages
/// @param rows number of rows (outputs, for a weight matrix)
/// @param cols elements in a row (inputs, for a weight matrix); a multiple of the type's block
/// @param data exactly `rows * type.bytesOf(cols)` bytes
public record Tensor(String name, ElementType type, long rows, long cols, MemorySegment data) {
  public Tensor {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException(
          name + ": shape [" + rows + ", " + cols + "] must be positive");
    }
    long expectedBytes = Math.multiplyExact(rows, type.bytesOf(cols));
    if (data.byteSize() != expectedBytes) {
      throw new IllegalArgumentException(
          name
              + ": "
              + type
              + " ["
              + rows
              + ", "
              + cols
              + "] takes "
              + expectedBytes
              + " bytes; got "
              + data.byteSize());
    }
  }

  public long numElements() {
    return rows * cols;
  }

  /// The bytes of row `row`.
  public MemorySegment row(long row) {
    long rowBytes = type.bytesOf(cols);
    return data.asSlice(row * rowBytes, rowBytes);
  }
}
