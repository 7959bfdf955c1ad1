package dev.slabstream.tokenizer.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The arguments of a call, by position and by name.
record Arguments(List<Value> positional, Map<String, Value> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  static Arguments of(Value... values) {
    return new Arguments(List.of(values), Map.of());
  }

  /// All but the first `count` positional ones.
  Arguments after(int count) {
    return new Arguments(
        positional.subList(Math.min(count, positional.size()), positional.size()), named);
  }

  /// Assigns them to parameters.
  ///
  /// @throws TemplateFailure when there are too many, an unknown name, or two for one parameter
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new TemplateFailure(
          function
              + " takes at most "
              + parameters.length
              + " arguments; got "
              + positional.size());
    }
    List<@Nullable Value> values = new ArrayList<>(parameters.length);
    for (int i = 0; i < parameters.length; i++) {
      Value byName = named.get(parameters[i]);
      if (byName != null && i < positional.size()) {
        throw new TemplateFailure(function + " got two values for '" + parameters[i] + "'");
      }
      values.add(i < positional.size() ? positional.get(i) : byName);
    }
    List<String> known = List.of(parameters);
    for (String name : named.keySet()) {
      if (!known.contains(name)) {
        throw new TemplateFailure(function + " has no parameter '" + name + "'");
      }
    }
    return new Bound(function, known, values);
  }

  /// Arguments that have found their parameters.
  record Bound(String function, List<String> parameters, List<@Nullable Value> values) {
    @Nullable Value get(int i) {
      return values.get(i);
    }

    Value required(int i) {
      Value value = values.get(i);
      if (value == null) {
        throw new TemplateFailure(function + " needs the argument '" + parameters.get(i) + "'");
      }
      return value;
    }

    Text text(int i) {
      return asText(required(i), i);
    }

    @Nullable Text textOrNull(int i) {
      Value value = values.get(i);
      return value == null || value == Value.None.NONE ? null : asText(value, i);
    }

    long integer(int i, long absent) {
      return switch (values.get(i)) {
        case null -> absent;
        case Value.None none -> absent;
        case Value.Int number -> number.value();
        case Value.Bool bool -> bool.value() ? 1 : 0;
        case Value other -> throw wrong(i, "an integer", other);
      };
    }

    boolean flag(int i) {
      Value value = values.get(i);
      return value != null && Types.truthy(value);
    }

    private Text asText(Value value, int i) {
      if (value instanceof Text text) {
        return text;
      }
      throw wrong(i, "a string", value);
    }

    private TemplateFailure wrong(int i, String expected, Value found) {
      return new TemplateFailure(
          function
              + ": '"
              + parameters.get(i)
              + "' must be "
              + expected
              + "; got "
              + Types.name(found));
    }
  }
}
