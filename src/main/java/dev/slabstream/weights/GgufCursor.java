package dev.slabstream.weights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Walks through the header of a GGUF file. Every read is checked against the end of the file
/// first, and a count is believed only if that many of the smallest elements would fit into the
/// bytes that are left.
final class GgufCursor {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final ModelFile file;
  private long position;

  GgufCursor(ModelFile file, long position) {
    this.file = file;
    this.position = position;
  }

  Path path() {
    return file.path();
  }

  long position() {
    return position;
  }

  byte int8(String what) {
    requireLeft(1, what);
    return file.bytes().get(JAVA_BYTE, position++);
  }

  short int16(String what) {
    requireLeft(2, what);
    int low = file.bytes().get(JAVA_BYTE, position) & 0xff;
    int high = file.bytes().get(JAVA_BYTE, position + 1);
    position += 2;
    return (short) (high << 8 | low);
  }

  int int32(String what) {
    requireLeft(4, what);
    int value = file.bytes().get(INT, position);
    position += 4;
    return value;
  }

  long int64(String what) {
    requireLeft(8, what);
    long value = file.bytes().get(LONG, position);
    position += 8;
    return value;
  }

  /// A 64-bit count of things that take at least `minBytes` each.
  long count(String what, long minBytes) {
    long start = position;
    long count = int64(what);
    long most = left() / minBytes;
    if (Long.compareUnsigned(count, most) > 0) {
      throw malformed(
          start,
          what,
          "at most " + most + ", which is what fits",
          Long.toUnsignedString(count) + " with " + describeLeft());
    }
    return count;
  }

  /// A string that names something: not longer than `maxBytes`, valid UTF-8.
  String name(String what, int maxBytes) {
    long start = position;
    long length = count(what, 1);
    if (length > maxBytes) {
      throw malformed(start, what, "at most " + maxBytes + " bytes", length + " bytes");
    }
    return text(start, length, what, CodingErrorAction.REPORT);
  }

  /// @param onMalformed what to do about bytes that are no UTF-8
  String string(String what, CodingErrorAction onMalformed) {
    long start = position;
    long length = count(what, 1);
    if (length > Integer.MAX_VALUE - 16) {
      throw malformed(start, what, "a string of less than 2 GiB", length + " bytes");
    }
    return text(start, length, what, onMalformed);
  }

  private String text(long start, long length, String what, CodingErrorAction onMalformed) {
    MemorySegment bytes = file.bytes().asSlice(position, length);
    position += length;
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(onMalformed)
          .onUnmappableCharacter(onMalformed)
          .decode(bytes.asByteBuffer())
          .toString();
    } catch (CharacterCodingException e) {
      throw malformed(start, what, "UTF-8", "a string of " + length + " bytes that is none");
    }
  }

  void skip(long bytes, String what) {
    requireLeft(bytes, what);
    position += bytes;
  }

  private long left() {
    return file.bytes().byteSize() - position;
  }

  private String describeLeft() {
    return left() + " bytes to the end of the file at offset " + file.bytes().byteSize();
  }

  private void requireLeft(long bytes, String what) {
    if (bytes > left()) {
      throw malformed(position, what, bytes + (bytes == 1 ? " byte" : " bytes"), describeLeft());
    }
  }

  MalformedModelException malformed(long offset, String what, String expected, String found) {
    return new MalformedModelException(
        file.path(), "offset " + offset + ", " + what, expected, found);
  }
}
