package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.Real;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Set;
import java.util.regex.Pattern;

/// `abs`, `int`, `float`, `round`.
final class NumberFilters {
  static final Set<String> NAMES = Set.of("abs", "float", "int", "round");

  private static final int NUMBER_CHARS = 400;
  private static final Pattern REAL =
      Pattern.compile("[+-]?(?:[0-9]++\\.?[0-9]*+|\\.[0-9]++)(?:[eE][+-]?[0-9]++)?");
  private static final int MAX_PRECISION = 300;

  private NumberFilters() {}

  static Value apply(String name, Value input, Arguments arguments) {
    return switch (name) {
      case "abs" -> {
        arguments.bind(name);
        yield abs(input);
      }
      case "round" -> round(input, arguments);
      case "int" -> {
        var bound = arguments.bind(name, "default", "base");
        Value absent = bound.get(0);
        yield integer(input, bound.integer(1, 10), absent == null ? new Int(0) : absent);
      }
      case "float" -> {
        Value absent = arguments.bind(name, "default").get(0);
        yield real(input, absent == null ? new Real(0) : absent);
      }
      default -> throw new TemplateFailure("unknown filter '" + name + "'");
    };
  }

  private static Value abs(Value input) {
    return switch (Types.defined(input)) {
      case Int number when number.value() != Long.MIN_VALUE -> new Int(Math.abs(number.value()));
      case Real real -> new Real(Math.abs(real.value()));
      case Bool bool -> new Int(bool.value() ? 1 : 0);
      case Value other -> throw new TemplateFailure("abs of " + Types.name(other));
    };
  }

  private static Value round(Value input, Arguments arguments) {
    var bound = arguments.bind("round", "precision", "method");
    long precision = bound.integer(0, 0);
    Text method = bound.textOrNull(1);
    if (Math.abs(precision) > MAX_PRECISION) {
      throw new TemplateFailure(
          "round: 'precision' must be within " + MAX_PRECISION + "; got " + precision);
    }
    RoundingMode mode =
        switch (method == null ? "common" : method.chars()) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw new TemplateFailure("round: 'method' must be common, ceil or floor");
        };
    Value value = input instanceof Bool bool ? new Int(bool.value() ? 1 : 0) : input;
    return switch (Types.defined(value)) {
      case Int number when mode == RoundingMode.HALF_EVEN && precision >= 0 -> number;
      case Int number when mode == RoundingMode.HALF_EVEN ->
          new Int(BigDecimal.valueOf(number.value()).setScale((int) precision, mode).longValue());
      case Int number ->
          new Real(
              BigDecimal.valueOf(number.value()).setScale((int) precision, mode).doubleValue());
      case Real real when Double.isFinite(real.value()) ->
          new Real(rounded(real.value(), (int) precision, mode));
      case Value other -> throw new TemplateFailure("round of " + Types.name(other));
    };
  }

  /// From the exact binary value, as Python's `round`: 2.675 to two places is 2.67.
  private static double rounded(double value, int precision, RoundingMode mode) {
    double result = new BigDecimal(value).setScale(precision, mode).doubleValue();
    return result == 0 ? Math.copySign(0.0, value) : result;
  }

  private static Value integer(Value input, long base, Value absent) {
    return switch (Types.defined(input)) {
      case Int number -> number;
      case Bool bool -> new Int(bool.value() ? 1 : 0);
      case Real real -> truncated(real.value(), absent);
      case Text text -> parsedInteger(text.chars(), base, absent);
      case Value other -> absent;
    };
  }

  private static Value truncated(double value, Value absent) {
    return Math.abs(value) < 0x1p63 ? new Int((long) value) : absent;
  }

  private static Value parsedInteger(String text, long base, Value absent) {
    String digits = PythonNumbers.strip(text).replace("_", "");
    try {
      if (base >= 2 && base <= 36 && digits.length() <= NUMBER_CHARS) {
        return new Int(Long.parseLong(PythonNumbers.withoutPrefix(digits, (int) base), (int) base));
      }
    } catch (NumberFormatException notAnInteger) {
      // Jinja then tries it as a float.
    }
    return real(Text.fromElsewhere(text), absent) instanceof Real real && isReal(text)
        ? truncated(real.value(), absent)
        : absent;
  }

  private static Value real(Value input, Value absent) {
    return switch (Types.defined(input)) {
      case Int number -> new Real(number.value());
      case Bool bool -> new Real(bool.value() ? 1 : 0);
      case Real real -> real;
      case Text text when isReal(text.chars()) ->
          new Real(Double.parseDouble(PythonNumbers.strip(text.chars()).replace("_", "")));
      case Value other -> absent;
    };
  }

  private static boolean isReal(String text) {
    String digits = PythonNumbers.strip(text).replace("_", "");
    return digits.length() <= NUMBER_CHARS && REAL.matcher(digits).matches();
  }

  /// How Python reads numbers from strings.
  private static final class PythonNumbers {
    static String strip(String text) {
      return TextMethods.strip(Text.fromElsewhere(text), null, true, true).chars();
    }

    static String withoutPrefix(String digits, int base) {
      String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : null;
      return prefix != null && digits.regionMatches(true, 0, prefix, 0, 2)
          ? digits.substring(2)
          : digits;
    }
  }
}
