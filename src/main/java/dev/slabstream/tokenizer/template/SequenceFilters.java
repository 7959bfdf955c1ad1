package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The filters of Jinja over lists and dicts.
final class SequenceFilters {
  static final Set<String> NAMES =
      Set.of(
          "dictsort",
          "first",
          "items",
          "join",
          "last",
          "list",
          "map",
          "max",
          "min",
          "reject",
          "rejectattr",
          "reverse",
          "select",
          "selectattr",
          "sort",
          "sum",
          "unique");

  private final Budget budget;
  private final Operators operators;
  private final TextMethods textMethods;
  private final Attributes attributes;
  private final Tests tests;
  private final Filters filters;

  SequenceFilters(
      Budget budget,
      Operators operators,
      TextMethods textMethods,
      Attributes attributes,
      Tests tests,
      Filters filters) {
    this.budget = budget;
    this.operators = operators;
    this.textMethods = textMethods;
    this.attributes = attributes;
    this.tests = tests;
    this.filters = filters;
  }

  Value apply(String name, Value input, Arguments arguments) {
    return switch (name) {
      case "first" -> end(name, elements(input), arguments, true);
      case "last" -> end(name, elements(input), arguments, false);
      case "list" -> {
        arguments.bind(name);
        yield Sequence.list(new ArrayList<>(elements(input)));
      }
      case "items" -> {
        arguments.bind(name);
        yield items(input);
      }
      case "join" -> join(elements(input), arguments);
      case "reverse" -> {
        arguments.bind(name);
        yield reverse(input);
      }
      case "map" -> map(elementsIfAny(input), arguments);
      case "select" -> filtered(elementsIfAny(input), test(arguments));
      case "reject" -> filtered(elementsIfAny(input), test(arguments).negate());
      case "selectattr" -> filtered(elementsIfAny(input), attributeTest(name, arguments));
      case "rejectattr" -> filtered(elementsIfAny(input), attributeTest(name, arguments).negate());
      case "sort" -> {
        var bound = arguments.bind(name, "reverse", "case_sensitive", "attribute");
        yield sorted(elements(input), keys(bound.get(2), bound.flag(1)), bound.flag(0));
      }
      case "unique" -> {
        var bound = arguments.bind(name, "case_sensitive", "attribute");
        yield unique(elements(input), key(bound.get(1), bound.flag(0)));
      }
      case "min", "max" -> {
        var bound = arguments.bind(name, "case_sensitive", "attribute");
        yield extreme(elements(input), key(bound.get(1), bound.flag(0)), name.equals("max"));
      }
      case "sum" -> sum(elements(input), arguments);
      case "dictsort" -> dictSort(input, arguments);
      default -> throw new TemplateFailure("unknown filter '" + name + "'");
    };
  }

  /// Jinja's lazy filters take whatever counts as false for an empty list.
  private List<Value> elementsIfAny(Value input) {
    return Types.truthy(input) ? elements(input) : List.of();
  }

  private List<Value> elements(Value input) {
    return Types.elements(input, budget);
  }

  private static Value end(String name, List<Value> items, Arguments arguments, boolean first) {
    arguments.bind(name);
    if (items.isEmpty()) {
      return new Undefined("there is no " + name + " item: the sequence is empty");
    }
    return first ? items.getFirst() : items.getLast();
  }

  private Value items(Value input) {
    return switch (input) {
      case Dict dict -> Sequence.generator(dict.items());
      case Undefined undefined -> Sequence.generator(List.of());
      case Value other ->
          throw new TemplateFailure("items of " + Types.name(other) + ", which is no dict");
    };
  }

  private Value join(List<Value> items, Arguments arguments) {
    var bound = arguments.bind("join", "d", "attribute");
    Value attribute = bound.get(1);
    List<Value> parts = attribute == null ? items : each(items, getter(attribute));
    Text separator = bound.textOrNull(0);
    return textMethods.join(separator == null ? Text.EMPTY : separator, parts);
  }

  private Value reverse(Value input) {
    if (input instanceof Text text) {
      return Slices.slice(text, null, null, new Int(-1), budget);
    }
    return Sequence.generator(new ArrayList<>(elements(input)).reversed());
  }

  private Value map(List<Value> items, Arguments arguments) {
    Value attribute = arguments.named().get("attribute");
    if (attribute != null) {
      var bound = arguments.bind("map", "attribute", "default");
      Value absent = bound.get(1);
      UnaryOperator<Value> getter = getter(attribute);
      return Sequence.generator(
          each(
              items,
              item -> {
                Value value = getter.apply(item);
                return value instanceof Undefined && absent != null ? absent : value;
              }));
    }
    if (arguments.positional().isEmpty()
        || !(arguments.positional().getFirst() instanceof Text name)) {
      throw new TemplateFailure("map needs the name of a filter, or 'attribute'");
    }
    Arguments rest = arguments.after(1);
    return Sequence.generator(each(items, item -> filters.apply(name.chars(), item, rest)));
  }

  private List<Value> each(List<Value> items, UnaryOperator<Value> function) {
    List<Value> results = new ArrayList<>(items.size());
    for (Value item : items) {
      budget.elements(1);
      results.add(function.apply(item));
    }
    return results;
  }

  private static Value filtered(List<Value> items, Predicate<Value> condition) {
    return Sequence.generator(items.stream().filter(condition).toList());
  }

  /// The test named first among the arguments, given the others; without any, the truth of the value.
  private Predicate<Value> test(Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Types::truthy;
    }
    if (!(arguments.positional().getFirst() instanceof Text name)) {
      throw new TemplateFailure("the name of a test must be a string");
    }
    Arguments rest = arguments.after(1);
    return value -> {
      budget.elements(1);
      return tests.holds(name.chars(), value, rest);
    };
  }

  private Predicate<Value> attributeTest(String name, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw new TemplateFailure(name + " needs the name of an attribute");
    }
    UnaryOperator<Value> getter = getter(arguments.positional().getFirst());
    Predicate<Value> test = test(arguments.after(1));
    return item -> test.test(getter.apply(item));
  }

  /// `a.b.0`: one attribute or index after the other.
  private UnaryOperator<Value> getter(Value attribute) {
    if (attribute instanceof Int) {
      return item -> attributes.element(item, attribute);
    }
    if (!(attribute instanceof Text path)) {
      throw new TemplateFailure(
          "an attribute must be a string or an index; got " + Types.name(attribute));
    }
    List<Value> steps = new ArrayList<>();
    for (String step : path.chars().split("\\.", -1)) {
      boolean isIndex =
          !step.isEmpty() && step.length() < 10 && step.chars().allMatch(c -> c >= '0' && c <= '9');
      steps.add(isIndex ? new Int(Long.parseLong(step)) : Text.fromElsewhere(step));
    }
    return item -> {
      Value value = item;
      for (Value step : steps) {
        value = attributes.element(value, step);
      }
      return value;
    };
  }

  private UnaryOperator<Value> key(@Nullable Value attribute, boolean caseSensitive) {
    UnaryOperator<Value> getter =
        attribute == null || attribute == Value.None.NONE
            ? UnaryOperator.identity()
            : getter(attribute);
    return caseSensitive
        ? getter
        : item ->
            getter.apply(item) instanceof Text text ? TextMethods.lower(text) : getter.apply(item);
  }

  /// What `sort` goes by: a tuple, also of one attribute, whose elements need an order only where they differ. Several
  /// attributes are separated by commas.
  private UnaryOperator<Value> keys(@Nullable Value attribute, boolean caseSensitive) {
    List<UnaryOperator<Value>> parts = new ArrayList<>();
    if (attribute instanceof Text paths) {
      for (String path : paths.chars().split(",", -1)) {
        parts.add(key(Text.fromElsewhere(path), caseSensitive));
      }
    } else {
      parts.add(key(attribute, caseSensitive));
    }
    return item ->
        new Sequence(Sequence.Kind.TUPLE, parts.stream().map(part -> part.apply(item)).toList());
  }

  private Value sorted(List<Value> items, UnaryOperator<Value> key, boolean reverse) {
    record Keyed(Value key, Value item) {}
    Comparator<Keyed> order = Comparator.comparing(Keyed::key, operators::compare);
    return Sequence.list(
        new ArrayList<>(
            items.stream()
                .map(item -> new Keyed(key.apply(item), item))
                .sorted(reverse ? order.reversed() : order)
                .map(Keyed::item)
                .toList()));
  }

  private Value unique(List<Value> items, UnaryOperator<Value> key) {
    Dict seen = new Dict();
    List<Value> results = new ArrayList<>();
    for (Value item : items) {
      Value itemKey = key.apply(item);
      if (!seen.containsKey(itemKey)) {
        seen.put(itemKey, item);
        results.add(item);
      }
    }
    return Sequence.generator(results);
  }

  private Value extreme(List<Value> items, UnaryOperator<Value> key, boolean largest) {
    if (items.isEmpty()) {
      return new Undefined("there is no item: the sequence is empty");
    }
    Value best = items.getFirst();
    for (Value item : items.subList(1, items.size())) {
      int order = operators.compare(key.apply(item), key.apply(best));
      if (largest ? order > 0 : order < 0) {
        best = item;
      }
    }
    return best;
  }

  private Value sum(List<Value> items, Arguments arguments) {
    var bound = arguments.bind("sum", "attribute", "start");
    UnaryOperator<Value> addend = key(bound.get(0), true);
    Value start = bound.get(1);
    Value total = start == null ? new Int(0) : start;
    for (Value item : items) {
      total = operators.apply("+", total, addend.apply(item));
    }
    return total;
  }

  private Value dictSort(Value input, Arguments arguments) {
    var bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    if (!(Types.defined(input) instanceof Dict dict)) {
      throw new TemplateFailure("dictsort of " + Types.name(input) + ", which is no dict");
    }
    Text by = bound.textOrNull(1);
    Integer place = Map.of("key", 0, "value", 1).get(by == null ? "key" : by.chars());
    if (place == null) {
      throw new TemplateFailure("dictsort: 'by' must be key or value");
    }
    return sorted(dict.items(), key(new Int(place), bound.flag(0)), bound.flag(2));
  }
}
