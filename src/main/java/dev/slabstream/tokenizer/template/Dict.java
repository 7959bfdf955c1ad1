package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Python's dict: keeps the order of insertion, finds keys by Python's equality (1, 1.0 and True are one key). Filled by the
/// interpreter, unchangeable for templates.
final class Dict implements Value {
  record Entry(Value key, Value value) {}

  private final Map<Object, Entry> entries = new LinkedHashMap<>();

  void put(Value key, Value value) {
    // An equal key that comes again keeps its place and its first form, as in Python.
    entries.merge(
        identity(key), new Entry(key, value), (old, fresh) -> new Entry(old.key(), fresh.value()));
  }

  @Nullable Value get(Value key) {
    Entry entry = canBeKey(key) ? entries.get(identity(key)) : null;
    return entry == null ? null : entry.value();
  }

  @Nullable Value get(String key) {
    Entry entry = entries.get(key);
    return entry == null ? null : entry.value();
  }

  boolean containsKey(Value key) {
    return entries.containsKey(identity(key));
  }

  int size() {
    return entries.size();
  }

  Collection<Entry> entries() {
    return entries.values();
  }

  List<Value> keys() {
    List<Value> keys = new ArrayList<>(entries.size());
    entries.values().forEach(entry -> keys.add(entry.key()));
    return keys;
  }

  List<Value> values() {
    List<Value> values = new ArrayList<>(entries.size());
    entries.values().forEach(entry -> values.add(entry.value()));
    return values;
  }

  List<Value> items() {
    List<Value> items = new ArrayList<>(entries.size());
    entries.values().forEach(entry -> items.add(Sequence.tuple(entry.key(), entry.value())));
    return items;
  }

  private static boolean canBeKey(Value value) {
    return value instanceof Text
        || value instanceof Int
        || value instanceof Bool
        || value instanceof Real
        || value instanceof None;
  }

  private static Object identity(Value key) {
    return switch (key) {
      case Text text -> text.chars();
      case Int number -> number.value();
      case Bool bool -> bool.value() ? 1L : 0L;
      case Real real ->
          real.value() == Math.rint(real.value()) && Math.abs(real.value()) < 0x1p53
              ? (Object) (long) real.value()
              : (Object) real.value();
      case None none -> none;
      case Value other ->
          throw new TemplateFailure(
              "a key must be a string, a number, a boolean or none; got " + Types.name(other));
    };
  }
}
