package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `object.name` and `object[key]`. As in Jinja each tries the other's way second: a dict's method `items` hides a key of
/// that name from the dot, not from the brackets.
final class Attributes {
  /// What Python's lists and dicts could do to themselves, and Jinja's immutable sandbox refuses.
  private static final Set<String> DICT_MUTATORS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Set<String> LIST_MUTATORS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private final Budget budget;
  private final Operators operators;
  private final TextMethods textMethods;

  Attributes(Budget budget, Operators operators, TextMethods textMethods) {
    this.budget = budget;
    this.operators = operators;
    this.textMethods = textMethods;
  }

  Value attribute(Value object, String name) {
    Value own = ownAttribute(object, name);
    if (own != null) {
      return own;
    }
    Value key = object instanceof Dict dict ? dict.get(name) : null;
    return key != null ? key : missing(object, "attribute '" + name + "'");
  }

  Value element(Value object, Value key) {
    Types.defined(object);
    Value element =
        switch (object) {
          case Dict dict -> key instanceof Undefined ? null : dict.get(key);
          case Sequence sequence -> elementOf(sequence, key);
          case Text text -> character(text, key);
          case Value other -> null;
        };
    if (element != null) {
      return element;
    }
    Value own = key instanceof Text name ? ownAttribute(object, name.chars()) : null;
    return own != null ? own : missing(object, "element " + describe(key));
  }

  private static String describe(Value key) {
    return switch (key) {
      case Text text -> "'" + text.chars() + "'";
      case Int number -> Long.toString(number.value());
      case Value other -> "for " + Types.name(other);
    };
  }

  private static Undefined missing(Value object, String what) {
    return new Undefined(Types.name(object) + " has no " + what);
  }

  private static @Nullable Value elementOf(Sequence sequence, Value key) {
    List<Value> items = sequence.items();
    Integer index = index(key, items.size());
    boolean isIndexed =
        sequence.kind() == Sequence.Kind.LIST || sequence.kind() == Sequence.Kind.TUPLE;
    return index == null || !isIndexed ? null : items.get(index);
  }

  private @Nullable Value character(Text text, Value key) {
    budget.chars(text.length());
    Integer index = index(key, text.numCodePoints());
    if (index == null) {
      return null;
    }
    int from = text.chars().offsetByCodePoints(0, index);
    return text.substring(from, text.chars().offsetByCodePoints(from, 1));
  }

  private static @Nullable Integer index(Value key, int length) {
    long index =
        switch (key) {
          case Int number -> number.value();
          case Bool bool -> bool.value() ? 1 : 0;
          case Value other -> length;
        };
    index = index < 0 ? index + length : index;
    return index >= 0 && index < length ? (Integer) (int) index : null;
  }

  /// What belongs to the object itself, not to its content; or null.
  private @Nullable Value ownAttribute(Value object, String name) {
    return switch (object) {
      case Undefined undefined -> throw new TemplateFailure(undefined.message());
      case Text text -> textMethods.method(text, name);
      case Dict dict -> dictMethod(dict, name);
      case Sequence sequence -> sequenceMethod(sequence, name);
      case Namespace namespace -> namespace.get(name);
      case Loop loop -> loop.attribute(name, operators);
      case None none -> null;
      case Bool bool -> null;
      case Int number -> null;
      case Value.Real real -> null;
      case Function function -> name.equals("name") ? Text.fromTemplate(function.name()) : null;
    };
  }

  private @Nullable Function dictMethod(Dict dict, String name) {
    return switch (name) {
      case "get" ->
          new Function(
              name,
              arguments -> {
                var bound = arguments.bind("get", "key", "default");
                Value value = dict.get(bound.required(0));
                Value absent = bound.get(1);
                return value != null ? value : absent != null ? absent : None.NONE;
              });
      case "keys" -> new Function(name, arguments -> view(arguments, name, dict.keys()));
      case "values" -> new Function(name, arguments -> view(arguments, name, dict.values()));
      case "items" -> new Function(name, arguments -> view(arguments, name, dict.items()));
      case "copy" -> new Function(name, arguments -> dict);
      default -> refusedIfIn(DICT_MUTATORS, dict, name);
    };
  }

  private Value view(Arguments arguments, String name, List<Value> items) {
    arguments.bind(name);
    budget.elements(items.size());
    return Sequence.view(items);
  }

  private @Nullable Function sequenceMethod(Sequence sequence, String name) {
    return switch (name) {
      case "index" ->
          new Function(
              name,
              arguments -> {
                Value item = arguments.bind("index", "value").required(0);
                for (int i = 0; i < sequence.items().size(); i++) {
                  if (operators.equal(sequence.items().get(i), item)) {
                    return new Int(i);
                  }
                }
                throw new TemplateFailure("index: the list has no such element");
              });
      case "count" ->
          new Function(
              name,
              arguments -> {
                Value item = arguments.bind("count", "value").required(0);
                return new Int(
                    sequence.items().stream().filter(e -> operators.equal(e, item)).count());
              });
      default -> refusedIfIn(LIST_MUTATORS, sequence, name);
    };
  }

  private static @Nullable Function refusedIfIn(Set<String> mutators, Value object, String name) {
    if (mutators.contains(name)) {
      return new Function(
          name,
          arguments -> {
            throw new TemplateFailure(
                "'" + name + "' would change " + Types.name(object) + ", which templates may not");
          });
    }
    return null;
  }
}
