package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.List;

/// What Python's object model says about a value: its type's name, its truth, its size, its elements.
final class Types {
  private Types() {}

  static String name(Value value) {
    return switch (value) {
      case Undefined undefined -> "an undefined value";
      case None none -> "none";
      case Bool bool -> "a boolean";
      case Int number -> "an integer";
      case Real real -> "a float";
      case Text text -> "a string";
      case Sequence sequence ->
          switch (sequence.kind()) {
            case LIST -> "a list";
            case TUPLE -> "a tuple";
            case VIEW -> "a view of a dict";
            case GENERATOR -> "a generator";
          };
      case Dict dict -> "a dict";
      case Namespace namespace -> "a namespace";
      case Loop loop -> "a loop";
      case Function function -> "the function " + function.name();
    };
  }

  static boolean truthy(Value value) {
    return switch (value) {
      case Undefined undefined -> false;
      case None none -> false;
      case Bool bool -> bool.value();
      case Int number -> number.value() != 0;
      case Real real -> real.value() != 0;
      case Text text -> !text.isEmpty();
      case Sequence sequence ->
          sequence.kind() == Sequence.Kind.GENERATOR || !sequence.items().isEmpty();
      case Dict dict -> dict.size() > 0;
      case Namespace namespace -> true;
      case Loop loop -> true;
      case Function function -> true;
    };
  }

  static long length(Value value) {
    return switch (value) {
      case Undefined undefined -> 0;
      case Text text -> text.numCodePoints();
      case Sequence sequence when sequence.kind() != Sequence.Kind.GENERATOR ->
          sequence.items().size();
      case Dict dict -> dict.size();
      case Value other -> throw new TemplateFailure(name(other) + " has no length");
    };
  }

  static boolean isIterable(Value value) {
    return value instanceof Undefined
        || value instanceof Text
        || value instanceof Sequence
        || value instanceof Dict;
  }

  /// What iterating gives: the characters of a string, the keys of a dict, nothing for what is undefined.
  static List<Value> elements(Value value, Budget budget) {
    List<Value> elements =
        switch (value) {
          case Undefined undefined -> List.of();
          case Text text -> {
            budget.elements(text.length());
            yield text.codePoints();
          }
          case Sequence sequence -> sequence.items();
          case Dict dict -> dict.keys();
          case Value other -> throw new TemplateFailure(name(other) + " cannot be iterated");
        };
    budget.elements(elements.size());
    return elements;
  }

  /// The value, unless it is undefined.
  static Value defined(Value value) {
    if (value instanceof Undefined undefined) {
      throw new TemplateFailure(undefined.message());
    }
    return value;
  }
}
