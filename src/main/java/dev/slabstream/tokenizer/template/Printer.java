package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;

/// Values as Python writes them: `str(x)` and `repr(x)`.
///
/// Numbers, booleans and None have no provenance: their few characters are the interpreter's, so they count as the
/// template's (`'<|image_' ~ loop.index ~ '|>'` is a token). What a list or dict prints counts as from elsewhere.
final class Printer {
  private final Budget budget;

  Printer(Budget budget) {
    this.budget = budget;
  }

  /// `str(value)`.
  Text text(Value value) {
    return switch (value) {
      case Text text -> text;
      case Undefined undefined -> Text.EMPTY;
      case None none -> Text.fromTemplate("None");
      case Bool bool -> Text.fromTemplate(bool.value() ? "True" : "False");
      case Int number -> Text.fromTemplate(Long.toString(number.value()));
      case Real real -> Text.fromTemplate(real(real.value()));
      case Sequence sequence -> represented(sequence);
      case Dict dict -> represented(dict);
      case Namespace namespace -> Text.fromTemplate("<Namespace>");
      case Loop loop -> Text.fromTemplate("<LoopContext>");
      case Function function -> Text.fromTemplate("<" + function.name() + ">");
    };
  }

  private Text represented(Value value) {
    StringBuilder out = new StringBuilder();
    represent(value, out);
    return Text.fromElsewhere(out.toString());
  }

  private void represent(Value value, StringBuilder out) {
    budget.enter();
    budget.checkLength(out.length());
    switch (value) {
      case Text text -> quote(text.chars(), out);
      case Undefined undefined -> out.append("Undefined");
      case Sequence sequence -> {
        String open =
            switch (sequence.kind()) {
              case LIST -> "[";
              case TUPLE -> "(";
              case VIEW, GENERATOR -> "<";
            };
        String close =
            switch (sequence.kind()) {
              case LIST -> "]";
              case TUPLE -> sequence.items().size() == 1 ? ",)" : ")";
              case VIEW, GENERATOR -> ">";
            };
        representAll(sequence.items(), open, close, out);
      }
      case Dict dict -> {
        String separator = "{";
        for (Dict.Entry entry : dict.entries()) {
          out.append(separator);
          represent(entry.key(), out);
          out.append(": ");
          represent(entry.value(), out);
          separator = ", ";
        }
        out.append(dict.size() == 0 ? "{}" : "}");
      }
      case Value other -> out.append(text(other).chars());
    }
    budget.leave();
  }

  private void representAll(List<Value> items, String open, String close, StringBuilder out) {
    out.append(open);
    for (int i = 0; i < items.size(); i++) {
      out.append(i == 0 ? "" : ", ");
      represent(items.get(i), out);
    }
    out.append(close);
  }

  private void quote(String chars, StringBuilder out) {
    budget.chars(chars.length());
    char quote = chars.indexOf('\'') >= 0 && chars.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    chars
        .codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (isPrintable(c)) {
                    out.appendCodePoint(c);
                  } else {
                    out.append(escaped(c));
                  }
                }
              }
            });
    out.append(quote);
  }

  private static String escaped(int c) {
    String format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
    return String.format(Locale.ROOT, format, c);
  }

  /// Python's `str.isprintable`: no separators but the space, nothing of the category "other".
  private static boolean isPrintable(int c) {
    return c == ' '
        || switch (Character.getType(c)) {
          case Character.CONTROL,
              Character.FORMAT,
              Character.SURROGATE,
              Character.PRIVATE_USE,
              Character.UNASSIGNED,
              Character.SPACE_SEPARATOR,
              Character.LINE_SEPARATOR,
              Character.PARAGRAPH_SEPARATOR ->
              false;
          default -> true;
        };
  }

  /// `repr(float)`: the shortest digits that read back to the same number, with an exponent below -4 and from 16 on.
  static String real(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    String digits = decimal.unscaledValue().toString();
    int exponent = digits.length() - 1 - decimal.scale();
    String sign = value < 0 ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
      return sign + digits.charAt(0) + fraction + String.format(Locale.ROOT, "e%+03d", exponent);
    }
    String plain = decimal.toPlainString();
    return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
  }
}
