package dev.slabstream.weights;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The typed getters over values that are plain Java objects: String, Long, BigInteger (beyond 63
/// bits), Double, Boolean, List, Map.
abstract class TypedMetadata implements Metadata {
  private static final int MAX_SHOWN_CHARS = 60;

  private final Path path;

  TypedMetadata(Path path) {
    this.path = path;
  }

  /// The value of a key, made anew at each call; null when it is absent.
  abstract @Nullable Object value(String key);

  /// Where the value of a key is, or would be: `offset 298, key llama.block_count`.
  abstract String place(String key);

  @Override
  public boolean has(String key) {
    return value(key) != null;
  }

  @Override
  public String requireString(String key) {
    return string(key).orElseThrow(() -> unexpected(key, "a string"));
  }

  @Override
  public Optional<String> string(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof String string) {
      return Optional.of(string);
    }
    throw malformed(key, "a string", value);
  }

  @Override
  public long requireLong(String key, long min, long max) {
    return optionalLong(key, min, max).orElseThrow(() -> unexpected(key, integerWithin(min, max)));
  }

  @Override
  public Optional<Long> optionalLong(String key, long min, long max) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Long number && number >= min && number <= max) {
      return Optional.of(number);
    }
    throw malformed(key, integerWithin(min, max), value);
  }

  @Override
  public double requireDouble(String key) {
    return optionalDouble(key).orElseThrow(() -> unexpected(key, "a finite number"));
  }

  @Override
  public Optional<Double> optionalDouble(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return Optional.of(number.doubleValue());
    }
    throw malformed(key, "a finite number", value);
  }

  @Override
  public Optional<Boolean> optionalBoolean(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Boolean bool) {
      return Optional.of(bool);
    }
    throw malformed(key, "true or false", value);
  }

  @Override
  public Optional<List<String>> strings(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    List<?> elements = elements(key, value, "a list of strings");
    List<String> strings = new ArrayList<>(elements.size());
    for (Object element : elements) {
      if (!(element instanceof String string)) {
        throw malformedElement(key, "a list of strings", strings.size(), element);
      }
      strings.add(string);
    }
    return Optional.of(strings);
  }

  @Override
  public Optional<int[]> ints(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    List<?> elements = elements(key, value, "a list of 32-bit integers");
    int[] ints = new int[elements.size()];
    for (int i = 0; i < ints.length; i++) {
      if (!(elements.get(i) instanceof Long number) || number != number.intValue()) {
        throw malformedElement(key, "a list of 32-bit integers", i, elements.get(i));
      }
      ints[i] = number.intValue();
    }
    return Optional.of(ints);
  }

  @Override
  public Optional<float[]> floats(String key) {
    Object value = value(key);
    if (value == null) {
      return Optional.empty();
    }
    List<?> elements = elements(key, value, "a list of finite numbers");
    float[] floats = new float[elements.size()];
    for (int i = 0; i < floats.length; i++) {
      if (!(elements.get(i) instanceof Number number) || !Float.isFinite(number.floatValue())) {
        throw malformedElement(key, "a list of finite numbers", i, elements.get(i));
      }
      floats[i] = number.floatValue();
    }
    return Optional.of(floats);
  }

  @Override
  public MalformedModelException unexpected(String key, String expected) {
    return malformed(key, expected, value(key));
  }

  private List<?> elements(String key, Object value, String expected) {
    if (value instanceof List<?> list) {
      return list;
    }
    if (value instanceof Map<?, ?>) {
      throw malformed(key, expected, value);
    }
    return List.of(value);
  }

  private MalformedModelException malformedElement(
      String key, String expected, int index, @Nullable Object element) {
    return new MalformedModelException(
        path, place(key), expected, describe(element) + " as element " + index);
  }

  private MalformedModelException malformed(String key, String expected, @Nullable Object value) {
    return new MalformedModelException(path, place(key), expected, describe(value));
  }

  private static String integerWithin(long min, long max) {
    return "an integer from " + min + " to " + max;
  }

  private static String describe(@Nullable Object value) {
    return switch (value) {
      case null -> "nothing";
      case String string -> "the string \"" + shortened(string) + "\"";
      case List<?> list -> "a list of " + list.size();
      case Map<?, ?> map -> "an object of " + map.size() + " members";
      case BigInteger number -> shortened(number.toString());
      default -> String.valueOf(value);
    };
  }

  private static String shortened(String text) {
    return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "…";
  }
}
