package dev.slabstream.tokenizer.template;

import java.util.LinkedHashMap;
import java.util.Map;

/// `namespace(...)`: the one thing that a template can change from inside a loop.
final class Namespace implements Value {
  private final Map<String, Value> attributes = new LinkedHashMap<>();

  void set(String name, Value value) {
    attributes.put(name, value);
  }

  Value get(String name) {
    Value value = attributes.get(name);
    return value == null
        ? new Undefined("'namespace object' has no attribute '" + name + "'")
        : value;
  }
}
