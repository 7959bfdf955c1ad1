package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The filter `tojson` as Hugging Face overrides it: Python's `json.dumps`, by default without escaping to ASCII and without
/// HTML-safe escapes. Not thread-safe.
final class Json {
  private final Budget budget;
  private final boolean ensureAscii;
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sortKeys;
  private final StringBuilder out = new StringBuilder();

  private Json(Budget budget, Arguments arguments) {
    this.budget = budget;
    var bound = arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    ensureAscii = bound.flag(0);
    indent =
        switch (bound.get(1)) {
          case null -> null;
          case None none -> null;
          case Text text -> text.chars();
          case Value other -> {
            long width = bound.integer(1, 0);
            yield Text.spaces(width, budget).chars();
          }
        };
    sortKeys = bound.flag(3);
    if (bound.get(2) instanceof Sequence separators) {
      if (separators.items().size() != 2
          || !(separators.items().get(0) instanceof Text item)
          || !(separators.items().get(1) instanceof Text key)) {
        throw new TemplateFailure("tojson: 'separators' must be two strings");
      }
      itemSeparator = item.chars();
      keySeparator = key.chars();
    } else {
      itemSeparator = indent == null ? ", " : ",";
      keySeparator = ": ";
    }
  }

  static Text write(Value value, Arguments arguments, Budget budget) {
    Json json = new Json(budget, arguments);
    json.value(value, 0);
    return Text.fromElsewhere(json.out.toString());
  }

  private void value(Value value, int level) {
    budget.enter();
    budget.checkLength(out.length());
    switch (value) {
      case None none -> out.append("null");
      case Bool bool -> out.append(bool.value());
      case Int number -> out.append(number.value());
      case Real real -> out.append(real(real.value()));
      case Text text -> string(text.chars());
      case Sequence sequence
          when sequence.kind() == Sequence.Kind.LIST || sequence.kind() == Sequence.Kind.TUPLE ->
          array(sequence.items(), level);
      case Dict dict -> object(dict, level);
      case Value other -> throw new TemplateFailure("tojson cannot write " + Types.name(other));
    }
    budget.leave();
  }

  private void array(List<Value> items, int level) {
    if (items.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    for (int i = 0; i < items.size(); i++) {
      out.append(i == 0 ? "" : itemSeparator);
      newLine(level + 1);
      value(items.get(i), level + 1);
    }
    newLine(level);
    out.append(']');
  }

  private void object(Dict dict, int level) {
    if (dict.size() == 0) {
      out.append("{}");
      return;
    }
    List<Dict.Entry> entries = new ArrayList<>(dict.entries());
    if (sortKeys) {
      Operators operators = new Operators(budget);
      entries.sort(Comparator.comparing(Dict.Entry::key, operators::compare));
    }
    out.append('{');
    for (int i = 0; i < entries.size(); i++) {
      out.append(i == 0 ? "" : itemSeparator);
      newLine(level + 1);
      string(key(entries.get(i).key()));
      out.append(keySeparator);
      value(entries.get(i).value(), level + 1);
    }
    newLine(level);
    out.append('}');
  }

  private static String key(Value key) {
    return switch (key) {
      case Text text -> text.chars();
      case Bool bool -> Boolean.toString(bool.value());
      case Int number -> Long.toString(number.value());
      case Real real -> real(real.value());
      case None none -> "null";
      case Value other -> throw new TemplateFailure("tojson: a key cannot be " + Types.name(other));
    };
  }

  private static String real(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    return Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Printer.real(value);
  }

  private void newLine(int level) {
    if (indent != null) {
      budget.checkLength(out.length() + (long) level * indent.length());
      budget.chars((long) level * indent.length());
      out.append('\n').repeat(indent, level);
    }
  }

  private void string(String chars) {
    budget.checkLength((long) out.length() + chars.length());
    budget.chars(chars.length());
    out.append('"');
    for (int i = 0; i < chars.length(); i++) {
      char c = chars.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || (ensureAscii && c > 0x7e)) {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
