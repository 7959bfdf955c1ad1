package dev.slabstream.tokenizer.template;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Names and their values: loops, macros and some blocks have a scope of their own, inside the one around them. What is set
/// in it goes with it.
final class Scope {
  private final @Nullable Scope outer;
  private final Map<String, Value> values = new HashMap<>();

  Scope(@Nullable Scope outer) {
    this.outer = outer;
  }

  void set(String name, Value value) {
    values.put(name, value);
  }

  @Nullable Value find(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Value value = scope.values.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }
}
