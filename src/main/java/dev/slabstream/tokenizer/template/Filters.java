package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.Locale;
import java.util.Set;

/// The filters of Jinja that chat templates use; those over lists are in [SequenceFilters], those over numbers in
/// [NumberFilters].
final class Filters {
  private static final Set<String> TEXT =
      Set.of(
          "capitalize",
          "e",
          "escape",
          "indent",
          "lower",
          "replace",
          "safe",
          "string",
          "title",
          "trim",
          "upper");
  private static final Set<String> OTHER = Set.of("count", "d", "default", "length", "tojson");

  private final Budget budget;
  private final Printer printer;
  private final TextMethods textMethods;
  private final SequenceFilters sequenceFilters;

  Filters(
      Budget budget,
      Operators operators,
      Printer printer,
      TextMethods textMethods,
      Attributes attributes,
      Tests tests) {
    this.budget = budget;
    this.printer = printer;
    this.textMethods = textMethods;
    sequenceFilters = new SequenceFilters(budget, operators, textMethods, attributes, tests, this);
  }

  static boolean exists(String name) {
    return TEXT.contains(name)
        || OTHER.contains(name)
        || SequenceFilters.NAMES.contains(name)
        || NumberFilters.NAMES.contains(name);
  }

  Value apply(String name, Value input, Arguments arguments) {
    if (TEXT.contains(name)) {
      if (name.equals("indent") && !(Types.defined(input) instanceof Text)) {
        throw new TemplateFailure("indent of " + Types.name(input) + ", which is no string");
      }
      Text text = printer.text(input);
      budget.chars(text.length());
      return text(name, text, arguments);
    }
    if (SequenceFilters.NAMES.contains(name)) {
      return sequenceFilters.apply(name, input, arguments);
    }
    if (NumberFilters.NAMES.contains(name)) {
      return NumberFilters.apply(name, input, arguments);
    }
    return switch (name) {
      case "default", "d" -> {
        var bound = arguments.bind(name, "default_value", "boolean");
        Value absent = bound.get(0);
        boolean replaces = input instanceof Undefined || (bound.flag(1) && !Types.truthy(input));
        yield !replaces ? input : absent == null ? Text.EMPTY : absent;
      }
      case "length", "count" -> {
        arguments.bind(name);
        yield new Int(Types.length(input));
      }
      case "tojson" -> Json.write(Types.defined(input), arguments, budget);
      default -> throw new TemplateFailure("unknown filter '" + name + "'");
    };
  }

  private Value text(String name, Text text, Arguments arguments) {
    return switch (name) {
      case "trim" -> {
        Text set = arguments.bind(name, "chars").textOrNull(0);
        budget.search(text.length(), set == null ? 1 : set.length());
        yield TextMethods.strip(text, set, true, true);
      }
      case "replace" -> {
        var bound = arguments.bind(name, "old", "new", "count");
        yield textMethods.replace(
            text,
            printer.text(bound.required(0)),
            printer.text(bound.required(1)),
            bound.integer(2, -1));
      }
      case "indent" -> indent(text, arguments);
      // Output is not escaped, so nothing has to be marked as safe.
      case "string", "safe" -> unary(name, text, arguments);
      case "upper" -> unary(name, TextMethods.upper(text), arguments);
      case "lower" -> unary(name, TextMethods.lower(text), arguments);
      case "capitalize" -> unary(name, TextMethods.capitalize(text), arguments);
      case "title" -> unary(name, title(text), arguments);
      case "escape", "e" -> unary(name, escape(text), arguments);
      default -> throw new TemplateFailure("unknown filter '" + name + "'");
    };
  }

  private static Value unary(String name, Text result, Arguments arguments) {
    arguments.bind(name);
    return result;
  }

  /// Unlike `str.title`, words begin only after white space, hyphens and opening brackets.
  private static Text title(Text text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean atStart = true;
    for (int i = 0; i < text.length(); ) {
      int c = text.chars().codePointAt(i);
      String one = Character.toString(c);
      result.append(atStart ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
      atStart = PythonChars.isSpace(c) || "-({[<".indexOf(c) >= 0;
      i += Character.charCount(c);
    }
    return text.transformed(result.toString());
  }

  private static Text escape(Text text) {
    return text.transformed(
        text.chars()
            .replace("&", "&amp;")
            .replace("<", "&lt;")
            .replace(">", "&gt;")
            .replace("'", "&#39;")
            .replace("\"", "&#34;"));
  }

  /// Indents every line but the first, and none that is empty, unless told otherwise.
  private Text indent(Text text, Arguments arguments) {
    var bound = arguments.bind("indent", "width", "first", "blank");
    Text margin;
    if (bound.get(0) instanceof Text given) {
      margin = given;
    } else {
      margin = Text.spaces(bound.integer(0, 4), budget);
    }
    Text.Builder result = new Text.Builder(budget);
    Text newLine = Text.fromTemplate("\n");
    Text withEnd = new Text.Builder(budget).append(text).append(newLine).build();
    boolean isFirst = true;
    for (Value value : textMethods.lines(withEnd, false)) {
      Text line = (Text) value;
      boolean indents = isFirst ? bound.flag(1) : bound.flag(2) || !line.isEmpty();
      result
          .append(isFirst ? Text.EMPTY : newLine)
          .append(indents ? margin : Text.EMPTY)
          .append(line);
      isFirst = false;
    }
    return result.build();
  }
}
