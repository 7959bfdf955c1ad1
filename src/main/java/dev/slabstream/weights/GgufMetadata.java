package dev.slabstream.weights;

import java.math.BigInteger;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The key-value pairs of a GGUF file. Only their places are kept; a value is decoded when it is
/// asked for, so that opening a file does not build a vocabulary of 150,000 strings that nobody may
/// want.
///
/// Reads the mapping: it dies with the checkpoint.
final class GgufMetadata extends TypedMetadata {
  /// GGUF allows arrays of arrays; no known file nests even once.
  static final int MAX_ARRAY_DEPTH = 4;

  private final ModelFile file;
  private final Map<String, Place> places;

  /// @param offset of the value: behind the key and its type
  record Place(GgufValueType type, long offset) {}

  GgufMetadata(ModelFile file, Map<String, Place> places) {
    super(file.path());
    this.file = file;
    this.places = places;
  }

  @Override
  public boolean has(String key) {
    return places.containsKey(key);
  }

  @Override
  public Map<String, Object> entries() {
    Map<String, Object> entries = new LinkedHashMap<>();
    // Meant for people: a value that is no UTF-8 shall not keep the others from being seen.
    places.forEach((key, place) -> entries.put(key, read(key, place, CodingErrorAction.REPLACE)));
    return Collections.unmodifiableMap(entries);
  }

  @Override
  @Nullable Object value(String key) {
    Place place = places.get(key);
    return place == null ? null : read(key, place, CodingErrorAction.REPORT);
  }

  @Override
  String place(String key) {
    Place place = places.get(key);
    return place == null ? "key " + key : "offset " + place.offset() + ", key " + key;
  }

  private Object read(String key, Place place, CodingErrorAction onMalformed) {
    GgufCursor cursor = new GgufCursor(file, place.offset());
    return read(cursor, "key " + key, place.type(), onMalformed);
  }

  private static Object read(
      GgufCursor cursor, String what, GgufValueType type, CodingErrorAction onMalformed) {
    return switch (type) {
      case UINT8 -> cursor.int8(what) & 0xffL;
      case INT8 -> (long) cursor.int8(what);
      case UINT16 -> cursor.int16(what) & 0xffffL;
      case INT16 -> (long) cursor.int16(what);
      case UINT32 -> cursor.int32(what) & 0xffff_ffffL;
      case INT32 -> (long) cursor.int32(what);
      case UINT64 -> unsigned(cursor.int64(what));
      case INT64 -> cursor.int64(what);
      case FLOAT32 -> (double) Float.intBitsToFloat(cursor.int32(what));
      case FLOAT64 -> Double.longBitsToDouble(cursor.int64(what));
      case BOOL -> cursor.int8(what) != 0;
      case STRING -> cursor.string(what, onMalformed);
      case ARRAY -> readArray(cursor, what, onMalformed);
    };
  }

  private static List<Object> readArray(
      GgufCursor cursor, String what, CodingErrorAction onMalformed) {
    GgufValueType type = Objects.requireNonNull(GgufValueType.ofId(cursor.int32(what)));
    long length = cursor.count(what, type.minBytes());
    if (length > Integer.MAX_VALUE - 16) {
      throw cursor.malformed(cursor.position(), what, "less than 2^31 elements", "" + length);
    }
    List<Object> elements = new ArrayList<>((int) length);
    for (int i = 0; i < length; i++) {
      elements.add(read(cursor, what, type, onMalformed));
    }
    return elements;
  }

  private static Object unsigned(long value) {
    return value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
  }
}
