package dev.slabstream.weights;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/// A JSON document in a model file, read strictly: UTF-8, no duplicate names, bounded depth.
/// Remembers where in the file it stands, so that errors can name the byte.
final class JsonText {
  private static final int MAX_DEPTH = 32;
  private static final int MAX_NAME_CHARS = 4096;

  /// A tree costs about 50 bytes of heap per token.
  private static final int MAX_TREE_TOKENS = 2_000_000;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNameLength(MAX_NAME_CHARS)
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          // Python writes these, also where no one needs the number. Who does need it refuses it.
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private final Path path;
  private final long startOffset;
  private final String text;

  /// @param startOffset of the first byte in the file
  JsonText(Path path, long startOffset, byte[] bytes) {
    this.path = path;
    this.startOffset = startOffset;
    try {
      this.text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedModelException(
          path, "offset " + startOffset, "JSON in UTF-8", "bytes that are no UTF-8");
    }
  }

  /// What is done with a parser; its Jackson exceptions become ours.
  interface Reading<T> {
    T read(JsonParser parser);
  }

  <T> T read(Reading<T> reading) {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      T result = reading.read(parser);
      if (parser.nextToken() != null) {
        throw malformed(charOffset(parser), "the end of the JSON", "more of it");
      }
      return result;
    } catch (JacksonException e) {
      TokenStreamLocation location = e.getLocation();
      throw malformed(
          location == null ? 0 : location.getCharOffset(),
          "well-formed JSON",
          e.getOriginalMessage());
    }
  }

  /// The whole document, an object, as Maps, Lists, Strings, Longs, BigIntegers, Doubles and
  /// Booleans.
  Map<String, @Nullable Object> tree() {
    return read(
        parser -> {
          if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw malformed(charOffset(parser), "a JSON object", describe(parser));
          }
          return object(parser);
        });
  }

  private Map<String, @Nullable Object> object(JsonParser parser) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      members.put(name, value(parser));
    }
    return members;
  }

  private List<@Nullable Object> array(JsonParser parser) {
    List<@Nullable Object> elements = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      elements.add(value(parser));
    }
    return elements;
  }

  private @Nullable Object value(JsonParser parser) {
    if (parser.currentTokenCount() > MAX_TREE_TOKENS) {
      throw malformed(charOffset(parser), "at most " + MAX_TREE_TOKENS + " JSON tokens", "more");
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> parser.getString();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT ->
          parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
              ? (Object) parser.getBigIntegerValue()
              : (Object) parser.getLongValue();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      default -> throw malformed(charOffset(parser), "a JSON value", describe(parser));
    };
  }

  static long charOffset(JsonParser parser) {
    return parser.currentTokenLocation().getCharOffset();
  }

  static String describe(JsonParser parser) {
    JsonToken token = parser.currentToken();
    return token == null ? "the end" : token.name();
  }

  MalformedModelException malformed(long charOffset, String expected, String found) {
    return malformed(charOffset, "", expected, found);
  }

  /// @param what appended to the place: `, tensor x`, or nothing
  MalformedModelException malformed(long charOffset, String what, String expected, String found) {
    int chars = (int) Math.clamp(charOffset, 0, text.length());
    long offset = startOffset + text.substring(0, chars).getBytes(StandardCharsets.UTF_8).length;
    return new MalformedModelException(path, "offset " + offset + what, expected, found);
  }
}
