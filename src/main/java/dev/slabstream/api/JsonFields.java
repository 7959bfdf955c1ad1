package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// The fields of one JSON object, read by type. JSON's null is the same as absent. A value of
/// another type is MALFORMED, a number of the right type that fits nowhere is VALIDATION; both name
/// the field.
record JsonFields(JsonNode object) {
  private static final int SHOWN_VALUE_LENGTH = 60;

  @Nullable String string(String name) {
    JsonNode node = present(name);
    if (node == null) {
      return null;
    }
    if (!node.isString()) {
      throw wrongType(name, "a string", node);
    }
    return node.stringValue();
  }

  @Nullable Boolean bool(String name) {
    JsonNode node = present(name);
    if (node == null) {
      return null;
    }
    if (!node.isBoolean()) {
      throw wrongType(name, "true or false", node);
    }
    return node.booleanValue();
  }

  @Nullable Integer integer(String name) {
    JsonNode node = present(name);
    return node == null ? null : (Integer) integer(name, node);
  }

  @Nullable Long longInteger(String name) {
    JsonNode node = present(name);
    if (node == null) {
      return null;
    }
    if (!node.isIntegralNumber()) {
      throw wrongType(name, "an integer", node);
    }
    if (!node.canConvertToLong()) {
      throw outOfRange(name, node, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    return node.longValue();
  }

  @Nullable Double number(String name) {
    JsonNode node = present(name);
    return node == null ? null : (Double) number(name, node);
  }

  @Nullable List<String> strings(String name) {
    JsonNode node = array(name, "a list of strings");
    if (node == null) {
      return null;
    }
    List<String> values = new ArrayList<>(node.size());
    for (JsonNode element : node) {
      if (!element.isString()) {
        throw wrongType(name + "[" + values.size() + "]", "a string", element);
      }
      values.add(element.stringValue());
    }
    return values;
  }

  @Nullable List<Integer> integers(String name) {
    JsonNode node = array(name, "a list of integers");
    if (node == null) {
      return null;
    }
    List<Integer> values = new ArrayList<>(node.size());
    for (JsonNode element : node) {
      values.add(integer(name + "[" + values.size() + "]", element));
    }
    return values;
  }

  @Nullable Map<String, Double> numbers(String name) {
    JsonFields fields = object(name);
    if (fields == null) {
      return null;
    }
    Map<String, Double> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : fields.object.properties()) {
      values.put(entry.getKey(), number(name + "." + entry.getKey(), entry.getValue()));
    }
    return values;
  }

  @Nullable JsonFields object(String name) {
    JsonNode node = present(name);
    if (node == null) {
      return null;
    }
    if (!node.isObject()) {
      throw wrongType(name, "an object", node);
    }
    return new JsonFields(node);
  }

  /// The value unless it is absent or null.
  @Nullable JsonNode present(String name) {
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? null : node;
  }

  /// What a node is, in the words of an error message.
  static String typeOf(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "a list";
      case OBJECT, POJO -> "an object";
      case STRING, BINARY -> "a string";
      case BOOLEAN -> node.booleanValue() ? "true" : "false";
      case NUMBER -> node.isIntegralNumber() ? "an integer" : "a number with a fraction";
      case NULL -> "null";
      case MISSING -> "nothing";
    };
  }

  private @Nullable JsonNode array(String name, String expected) {
    JsonNode node = present(name);
    if (node != null && !node.isArray()) {
      throw wrongType(name, expected, node);
    }
    return node;
  }

  private static int integer(String name, JsonNode node) {
    if (!node.isIntegralNumber()) {
      throw wrongType(name, "an integer", node);
    }
    if (!node.canConvertToInt()) {
      throw outOfRange(name, node, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    return node.intValue();
  }

  private static double number(String name, JsonNode node) {
    if (!node.isNumber()) {
      throw wrongType(name, "a number", node);
    }
    double value =
        node.isFloatingPointNumber() ? node.doubleValue() : node.bigIntegerValue().doubleValue();
    if (!Double.isFinite(value)) {
      throw outOfRange(name, "a finite number", "a finite number", node);
    }
    return value;
  }

  private static GenerationException wrongType(String name, String expected, JsonNode found) {
    return new GenerationException(
        ErrorType.MALFORMED,
        "`" + name + "` must be " + expected + "; it is " + typeOf(found),
        name,
        expected,
        typeOf(found));
  }

  /// An integer outside of its type's range.
  private static GenerationException outOfRange(String name, JsonNode node, long min, long max) {
    return node.bigIntegerValue().signum() < 0
        ? outOfRange(name, "at least " + min, min, node)
        : outOfRange(name, "at most " + max, max, node);
  }

  private static GenerationException outOfRange(
      String name, String expected, Object limit, JsonNode node) {
    String value = node.toString();
    String shown =
        value.length() <= SHOWN_VALUE_LENGTH ? value : value.substring(0, SHOWN_VALUE_LENGTH) + "…";
    return new GenerationException(
        ErrorType.VALIDATION,
        "`" + name + "` must be " + expected + "; it is " + shown,
        name,
        limit,
        shown);
  }
}
