package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/// Arithmetic, equality, order and membership, as Python has them.
final class Operators {
  private final Budget budget;

  Operators(Budget budget) {
    this.budget = budget;
  }

  Value apply(String operator, Value left, Value right) {
    Types.defined(left);
    Types.defined(right);
    try {
      return switch (operator) {
        case "+" -> add(left, right);
        case "*" -> multiply(left, right);
        case "-" ->
            isInteger(left, right)
                ? new Int(Math.subtractExact(integer(left), integer(right)))
                : new Real(real(operator, left, right, left) - real(operator, left, right, right));
        case "/" -> new Real(real(operator, left, right, left) / divisor(operator, left, right));
        case "//" ->
            isInteger(left, right)
                ? new Int(Math.floorDiv(integer(left), divisor(right)))
                : new Real(
                    Math.floor(real(operator, left, right, left) / divisor(operator, left, right)));
        case "%" ->
            isInteger(left, right)
                ? new Int(Math.floorMod(integer(left), divisor(right)))
                : floorMod(real(operator, left, right, left), divisor(operator, left, right));
        case "**" -> power(left, right);
        default -> throw new IllegalStateException("no operator " + operator);
      };
    } catch (ArithmeticException overflow) {
      throw new TemplateFailure("an integer beyond 64 bits");
    }
  }

  Value negate(Value value) {
    return switch (Types.defined(value)) {
      case Int number when number.value() != Long.MIN_VALUE -> new Int(-number.value());
      case Real real -> new Real(-real.value());
      case Bool bool -> new Int(bool.value() ? -1 : 0);
      case Value other -> throw new TemplateFailure("cannot negate " + Types.name(other));
    };
  }

  private Value add(Value left, Value right) {
    if (left instanceof Text a && right instanceof Text b) {
      return new Text.Builder(budget).append(a).append(b).build();
    }
    if (left instanceof Sequence a
        && right instanceof Sequence b
        && a.kind() == b.kind()
        && isIndexed(a)) {
      budget.elements((long) a.items().size() + b.items().size());
      List<Value> items = new ArrayList<>(a.items());
      items.addAll(b.items());
      return new Sequence(a.kind(), items);
    }
    return isInteger(left, right)
        ? new Int(Math.addExact(integer(left), integer(right)))
        : new Real(real("+", left, right, left) + real("+", left, right, right));
  }

  private Value multiply(Value left, Value right) {
    if (isInteger(left, right)) {
      return new Int(Math.multiplyExact(integer(left), integer(right)));
    }
    if (isInteger(left, left)) {
      return right instanceof Real
          ? new Real(integer(left) * ((Real) right).value())
          : repeat(right, integer(left));
    }
    if (isInteger(right, right) && !(left instanceof Real)) {
      return repeat(left, integer(right));
    }
    return new Real(real("*", left, right, left) * real("*", left, right, right));
  }

  private Value repeat(Value value, long times) {
    long count = Math.max(0, times);
    if (value instanceof Text text) {
      budget.chars(Math.multiplyExact(text.length(), count));
      Text.Builder builder = new Text.Builder(budget);
      for (long i = 0; i < (text.isEmpty() ? 0 : count); i++) {
        builder.append(text);
      }
      return builder.build();
    }
    if (value instanceof Sequence sequence && isIndexed(sequence)) {
      budget.elements(Math.multiplyExact(sequence.items().size(), count));
      List<Value> items = new ArrayList<>();
      for (long i = 0; i < (sequence.items().isEmpty() ? 0 : count); i++) {
        items.addAll(sequence.items());
      }
      return new Sequence(sequence.kind(), items);
    }
    throw new TemplateFailure("cannot multiply " + Types.name(value) + " by an integer");
  }

  private static Value power(Value left, Value right) {
    if (isInteger(left, right) && integer(right) >= 0) {
      long base = integer(left);
      long result = 1;
      for (long exponent = integer(right); exponent > 0; exponent >>= 1) {
        if ((exponent & 1) == 1) {
          result = Math.multiplyExact(result, base);
        }
        if (exponent > 1) {
          base = Math.multiplyExact(base, base);
        }
      }
      return new Int(result);
    }
    double result = StrictMath.pow(real("**", left, right, left), real("**", left, right, right));
    if (Double.isNaN(result)) {
      throw new TemplateFailure("a power that is not a real number");
    }
    return new Real(result);
  }

  private static Value floorMod(double a, double b) {
    double remainder = a % b;
    return new Real(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder);
  }

  private static double divisor(String operator, Value left, Value right) {
    double value = real(operator, left, right, right);
    if (value == 0) {
      throw new TemplateFailure("division by zero");
    }
    return value;
  }

  private static long divisor(Value right) {
    if (integer(right) == 0) {
      throw new TemplateFailure("division by zero");
    }
    return integer(right);
  }

  private static boolean isIndexed(Sequence sequence) {
    return sequence.kind() == Sequence.Kind.LIST || sequence.kind() == Sequence.Kind.TUPLE;
  }

  private static boolean isInteger(Value left, Value right) {
    return (left instanceof Int || left instanceof Bool)
        && (right instanceof Int || right instanceof Bool);
  }

  private static long integer(Value value) {
    return value instanceof Bool bool ? (bool.value() ? 1 : 0) : ((Int) value).value();
  }

  private static double real(String operator, Value left, Value right, Value which) {
    return switch (which) {
      case Real real -> real.value();
      case Int number -> number.value();
      case Bool bool -> bool.value() ? 1 : 0;
      case Value other ->
          throw new TemplateFailure(
              "'"
                  + operator
                  + "' does not work on "
                  + Types.name(left)
                  + " and "
                  + Types.name(right));
    };
  }

  boolean equal(Value left, Value right) {
    budget.enter();
    boolean equal =
        switch (left) {
          case Text a -> right instanceof Text b && sameChars(a, b);
          case Sequence a ->
              right instanceof Sequence b
                  && a.kind() == b.kind()
                  && sameItems(a.items(), b.items());
          case Dict a -> right instanceof Dict b && sameEntries(a, b);
          case Undefined a -> right instanceof Undefined;
          case None a -> right instanceof None;
          case Namespace a -> left == right;
          case Loop a -> left == right;
          case Function a -> left == right;
          case Int a -> isNumber(right) && compareNumbers(left, right) == 0;
          case Bool a -> isNumber(right) && compareNumbers(left, right) == 0;
          case Real a ->
              isNumber(right) && !Double.isNaN(a.value()) && compareNumbers(left, right) == 0;
        };
    budget.leave();
    return equal;
  }

  private boolean sameChars(Text a, Text b) {
    budget.chars(Math.min(a.length(), b.length()));
    return a.chars().equals(b.chars());
  }

  private boolean sameItems(List<Value> a, List<Value> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!equal(a.get(i), b.get(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean sameEntries(Dict a, Dict b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (Dict.Entry entry : a.entries()) {
      Value other = b.get(entry.key());
      if (other == null || !equal(entry.value(), other)) {
        return false;
      }
    }
    return true;
  }

  /// Python's order, where it has one: numbers, strings by code point, lists and tuples by their first difference.
  int compare(Value left, Value right) {
    Types.defined(left);
    Types.defined(right);
    budget.enter();
    int order;
    if (isNumber(left) && isNumber(right)) {
      order = compareNumbers(left, right);
    } else if (left instanceof Text a && right instanceof Text b) {
      order = compareChars(a, b);
    } else if (left instanceof Sequence a
        && right instanceof Sequence b
        && a.kind() == b.kind()
        && isIndexed(a)) {
      order = compareItems(a.items(), b.items());
    } else {
      throw new TemplateFailure(
          "no order between " + Types.name(left) + " and " + Types.name(right));
    }
    budget.leave();
    return order;
  }

  private int compareItems(List<Value> a, List<Value> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      if (!equal(a.get(i), b.get(i))) {
        return compare(a.get(i), b.get(i));
      }
    }
    return Integer.compare(a.size(), b.size());
  }

  private int compareChars(Text left, Text right) {
    String a = left.chars();
    String b = right.chars();
    budget.chars(Math.min(a.length(), b.length()));
    for (int i = 0; i < Math.min(a.length(), b.length()); i++) {
      if (a.charAt(i) != b.charAt(i)) {
        // A surrogate stands for a code point above all others, but its unit is below U+E000.
        boolean aSurrogate = Character.isSurrogate(a.charAt(i));
        boolean bSurrogate = Character.isSurrogate(b.charAt(i));
        return aSurrogate == bSurrogate
            ? Character.compare(a.charAt(i), b.charAt(i))
            : aSurrogate ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  private static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Real || value instanceof Bool;
  }

  private static int compareNumbers(Value left, Value right) {
    if (isInteger(left, right)) {
      return Long.compare(integer(left), integer(right));
    }
    double a = real("<", left, right, left);
    double b = real("<", left, right, right);
    if (Double.isFinite(a) && Double.isFinite(b)) {
      // A long may have no double of its own, and an order that rounds is none.
      return exact(left, a).compareTo(exact(right, b));
    }
    return Double.compare(a, b);
  }

  private static BigDecimal exact(Value number, double rounded) {
    return number instanceof Int integer
        ? BigDecimal.valueOf(integer.value())
        : new BigDecimal(rounded);
  }

  boolean contains(Value container, Value item) {
    return switch (container) {
      case Text text -> {
        if (!(item instanceof Text part)) {
          throw new TemplateFailure(
              "'in' a string needs a string on its left; got " + Types.name(item));
        }
        budget.search(text.length(), part.length());
        yield text.chars().contains(part.chars());
      }
      case Dict dict -> !(item instanceof Undefined) && dict.containsKey(item);
      case Sequence sequence -> {
        for (Value element : sequence.items()) {
          if (equal(element, item)) {
            yield true;
          }
        }
        yield false;
      }
      case Undefined undefined -> false;
      case Value other -> throw new TemplateFailure("'in' does not work on " + Types.name(other));
    };
  }
}
