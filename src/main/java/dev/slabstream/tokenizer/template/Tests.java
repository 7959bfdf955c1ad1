package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.Set;

/// The tests of Jinja: what may stand after `is`, and what `select` and its like go by.
final class Tests {
  private static final Set<String> NAMES =
      Set.of(
          "boolean",
          "callable",
          "defined",
          "divisibleby",
          "eq",
          "equalto",
          "even",
          "false",
          "float",
          "ge",
          "greaterthan",
          "gt",
          "in",
          "integer",
          "iterable",
          "le",
          "lessthan",
          "lower",
          "lt",
          "mapping",
          "ne",
          "none",
          "number",
          "odd",
          "sameas",
          "sequence",
          "string",
          "true",
          "undefined",
          "upper",
          "filter",
          "test");

  private final Operators operators;

  Tests(Operators operators) {
    this.operators = operators;
  }

  static boolean exists(String name) {
    return NAMES.contains(name) || isComparison(name);
  }

  private static boolean isComparison(String name) {
    return switch (name) {
      case "==", "!=", "<", "<=", ">", ">=" -> true;
      default -> false;
    };
  }

  boolean holds(String name, Value value, Arguments arguments) {
    return switch (name) {
      case "defined" -> unary(name, arguments, !(value instanceof Undefined));
      case "undefined" -> unary(name, arguments, value instanceof Undefined);
      case "none" -> unary(name, arguments, value instanceof None);
      case "boolean" -> unary(name, arguments, value instanceof Bool);
      case "true" -> unary(name, arguments, value instanceof Bool bool && bool.value());
      case "false" -> unary(name, arguments, value instanceof Bool bool && !bool.value());
      case "integer" -> unary(name, arguments, value instanceof Int);
      case "float" -> unary(name, arguments, value instanceof Real);
      case "number" ->
          unary(
              name,
              arguments,
              value instanceof Int || value instanceof Real || value instanceof Bool);
      case "string" -> unary(name, arguments, value instanceof Text);
      case "mapping" -> unary(name, arguments, value instanceof Dict);
      case "iterable" -> unary(name, arguments, Types.isIterable(value));
      case "sequence" -> unary(name, arguments, isSequence(value));
      case "callable" ->
          unary(name, arguments, value instanceof Function || value instanceof Undefined);
      case "lower" ->
          unary(name, arguments, value instanceof Text text && TextMethods.isLower(text));
      case "upper" ->
          unary(name, arguments, value instanceof Text text && TextMethods.isUpper(text));
      case "even" -> unary(name, arguments, modulo(value, new Int(2)) == 0);
      case "odd" -> unary(name, arguments, modulo(value, new Int(2)) == 1);
      case "divisibleby" -> modulo(value, operand(name, arguments)) == 0;
      case "eq", "equalto", "==" -> operators.equal(value, operand(name, arguments));
      case "ne", "!=" -> !operators.equal(value, operand(name, arguments));
      case "lt", "lessthan", "<" -> operators.compare(value, operand(name, arguments)) < 0;
      case "le", "<=" -> operators.compare(value, operand(name, arguments)) <= 0;
      case "gt", "greaterthan", ">" -> operators.compare(value, operand(name, arguments)) > 0;
      case "ge", ">=" -> operators.compare(value, operand(name, arguments)) >= 0;
      case "in" -> operators.contains(operand(name, arguments), value);
      case "sameas" -> isSame(value, operand(name, arguments));
      case "filter" ->
          unary(name, arguments, value instanceof Text text && Filters.exists(text.chars()));
      case "test" -> unary(name, arguments, value instanceof Text text && exists(text.chars()));
      default -> throw new TemplateFailure("unknown test '" + name + "'");
    };
  }

  private static boolean unary(String name, Arguments arguments, boolean result) {
    arguments.bind("the test '" + name + "'");
    return result;
  }

  private static Value operand(String name, Arguments arguments) {
    return arguments.bind("the test '" + name + "'", "other").required(0);
  }

  private double modulo(Value value, Value divisor) {
    return switch (operators.apply("%", value, divisor)) {
      case Int number -> number.value();
      case Real real -> real.value();
      case Value other -> throw new TemplateFailure("no remainder of " + Types.name(value));
    };
  }

  private static boolean isSequence(Value value) {
    return value instanceof Text
        || value instanceof Dict
        || value instanceof Undefined
        || (value instanceof Sequence sequence
            && (sequence.kind() == Sequence.Kind.LIST || sequence.kind() == Sequence.Kind.TUPLE));
  }

  /// Python's `is`: what has no identity of its own is the same when it is equal and of one type.
  private boolean isSame(Value left, Value right) {
    return switch (left) {
      case Text text -> right instanceof Text && operators.equal(left, right);
      case Int number -> left.equals(right);
      case Bool bool -> left.equals(right);
      case Real real -> left.equals(right);
      case Value other -> left == right;
    };
  }
}
