package dev.slabstream.weights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/// Parses one safetensors file ([the format](https://github.com/huggingface/safetensors#format)):
///
/// ```
/// header length u64
/// header  {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {string: string}}
/// data    the offsets count from here
/// ```
///
/// As the format demands, the tensors cover the data without holes or overlaps, to the end of the
/// file.
final class SafetensorsReader {
  /// The format's own limit.
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final int MAX_DIMENSIONS = 16;
  private static final String METADATA_NAME = "__metadata__";

  private final ModelFile file;
  private final JsonText header;
  private final long dataStart;

  private SafetensorsReader(ModelFile file, long headerBytes) {
    this.file = file;
    this.dataStart = LENGTH_BYTES + headerBytes;
    MemorySegment json = file.bytes().asSlice(LENGTH_BYTES, headerBytes);
    this.header = new JsonText(file.path(), LENGTH_BYTES, json.toArray(JAVA_BYTE));
  }

  /// @param place of the entry in the header, in characters
  /// @param data the bytes of the tensor; they need not be aligned to the element
  record Entry(
      String name, SafetensorsType type, List<Long> shape, long place, MemorySegment data) {}

  /// The tensors in the order of the header.
  static List<Entry> read(ModelFile file) {
    long size = file.bytes().byteSize();
    if (size < LENGTH_BYTES) {
      throw malformedLength(file, "8 bytes of header length", "a file of " + size + " bytes");
    }
    long headerBytes = file.bytes().get(JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
    long most = Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES);
    if (Long.compareUnsigned(headerBytes, most) > 0) {
      throw malformedLength(
          file,
          "a header of at most " + most + " bytes",
          Long.toUnsignedString(headerBytes) + " in a file of " + size);
    }
    SafetensorsReader reader = new SafetensorsReader(file, headerBytes);
    return reader.located(reader.header.read(reader::readHeader));
  }

  private static MalformedModelException malformedLength(
      ModelFile file, String expected, String found) {
    return new MalformedModelException(file.path(), "offset 0, header length", expected, found);
  }

  /// What the header says of a tensor, before it is compared with the file.
  private record Claim(
      String name, long place, SafetensorsType type, List<Long> shape, long begin, long end) {}

  private List<Claim> readHeader(JsonParser parser) {
    requireToken(parser, parser.nextToken(), JsonToken.START_OBJECT, "");
    List<Claim> claims = new ArrayList<>();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = parser.currentName();
      if (name.equals(METADATA_NAME)) {
        skipMetadata(parser);
      } else {
        claims.add(readClaim(parser, name));
      }
    }
    return claims;
  }

  private void skipMetadata(JsonParser parser) {
    String what = ", " + METADATA_NAME;
    requireToken(parser, parser.nextToken(), JsonToken.START_OBJECT, what);
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      requireToken(parser, parser.nextToken(), JsonToken.VALUE_STRING, what);
    }
  }

  private Claim readClaim(JsonParser parser, String name) {
    String what = ", tensor " + name;
    long place = JsonText.charOffset(parser);
    SafetensorsType type = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    requireToken(parser, parser.nextToken(), JsonToken.START_OBJECT, what);
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> type = readType(parser, what);
        case "shape" -> shape = readNumbers(parser, what, field);
        case "data_offsets" -> offsets = readNumbers(parser, what, field);
        default -> parser.skipChildren();
      }
    }
    if (type == null || shape == null || offsets == null) {
      throw header.malformed(
          place, what, "dtype, shape and data_offsets", "no " + missing(type, shape));
    }
    if (offsets.size() != 2) {
      throw header.malformed(place, what, "two data_offsets", offsets.size() + " of them");
    }
    return new Claim(name, place, type, shape, offsets.get(0), offsets.get(1));
  }

  private static String missing(@Nullable SafetensorsType type, @Nullable List<Long> shape) {
    if (type == null) {
      return "dtype";
    }
    return shape == null ? "shape" : "data_offsets";
  }

  private SafetensorsType readType(JsonParser parser, String what) {
    requireToken(parser, parser.currentToken(), JsonToken.VALUE_STRING, what);
    SafetensorsType type = SafetensorsType.ofName(parser.getString());
    if (type == null) {
      throw header.malformed(
          JsonText.charOffset(parser),
          what,
          "a dtype of " + Arrays.toString(SafetensorsType.values()),
          parser.getString());
    }
    return type;
  }

  private List<Long> readNumbers(JsonParser parser, String what, String field) {
    requireToken(parser, parser.currentToken(), JsonToken.START_ARRAY, what);
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      requireToken(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      if (numbers.size() == MAX_DIMENSIONS) {
        throw header.malformed(
            JsonText.charOffset(parser),
            what,
            "at most " + MAX_DIMENSIONS + " numbers in " + field,
            "more");
      }
      boolean fits = parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      if (!fits || parser.getLongValue() < 0) {
        throw header.malformed(
            JsonText.charOffset(parser),
            what,
            "numbers from 0 to 2^63 - 1 in " + field,
            parser.getString());
      }
      numbers.add(parser.getLongValue());
    }
    return numbers;
  }

  private void requireToken(
      JsonParser parser, @Nullable JsonToken token, JsonToken expected, String what) {
    if (token != expected) {
      throw header.malformed(
          JsonText.charOffset(parser), what, expected.name(), JsonText.describe(parser));
    }
  }

  private List<Entry> located(List<Claim> claims) {
    long dataBytes = file.bytes().byteSize() - dataStart;
    for (Claim claim : claims) {
      requireSize(claim, dataBytes);
    }
    requireCovered(claims, dataBytes);
    return claims.stream()
        .map(
            claim ->
                new Entry(
                    claim.name(),
                    claim.type(),
                    claim.shape(),
                    claim.place(),
                    file.bytes().asSlice(dataStart + claim.begin(), claim.end() - claim.begin())))
        .toList();
  }

  private void requireSize(Claim claim, long dataBytes) {
    String what = ", tensor " + claim.name();
    if (claim.begin() > claim.end() || claim.end() > dataBytes) {
      throw header.malformed(
          claim.place(),
          what,
          "data_offsets in ascending order, up to " + dataBytes,
          "[" + claim.begin() + ", " + claim.end() + "]");
    }
    long bytes = claim.end() - claim.begin();
    if (bitsOf(claim) != bytes * 8) {
      throw header.malformed(
          claim.place(),
          what,
          "as many bytes as " + claim.type() + " " + claim.shape() + " takes",
          bytes + " bytes in data_offsets");
    }
  }

  /// The size that type and shape give, or -1 when it is beyond what 63 bits can count.
  private static long bitsOf(Claim claim) {
    if (claim.shape().contains(0L)) {
      return 0;
    }
    long bits = claim.type().bits();
    for (long dimension : claim.shape()) {
      if (dimension > Long.MAX_VALUE / bits) {
        return -1;
      }
      bits *= dimension;
    }
    return bits;
  }

  private void requireCovered(List<Claim> claims, long dataBytes) {
    List<Claim> byPlace = new ArrayList<>(claims);
    byPlace.sort(Comparator.comparingLong(Claim::begin).thenComparingLong(Claim::end));
    long covered = 0;
    for (Claim claim : byPlace) {
      if (claim.begin() != covered) {
        throw header.malformed(
            claim.place(),
            ", tensor " + claim.name(),
            "data from " + covered + ", where the tensor before it ends",
            "data from " + claim.begin());
      }
      covered = claim.end();
    }
    if (covered != dataBytes) {
      throw new MalformedModelException(
          file.path(),
          "offset " + (dataStart + covered),
          "the end of the file, where the last tensor ends",
          (dataBytes - covered) + " more bytes");
    }
  }
}
