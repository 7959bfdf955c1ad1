package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// The methods of Python's `str` that templates use.
final class TextMethods {
  private final Budget budget;
  private final Printer printer;

  TextMethods(Budget budget, Printer printer) {
    this.budget = budget;
    this.printer = printer;
  }

  /// The method of that name, or null.
  @Nullable Function method(Text text, String name) {
    Function.Body body =
        switch (name) {
          case "strip" -> a -> strip(text, a, name, true, true);
          case "lstrip" -> a -> strip(text, a, name, true, false);
          case "rstrip" -> a -> strip(text, a, name, false, true);
          case "split" -> a -> split(text, a, name, false);
          case "rsplit" -> a -> split(text, a, name, true);
          case "splitlines" -> a -> Sequence.list(lines(text, a.bind(name, "keepends").flag(0)));
          case "startswith" -> a -> affix(text, a, name, true);
          case "endswith" -> a -> affix(text, a, name, false);
          case "replace" ->
              a -> {
                var bound = a.bind(name, "old", "new", "count");
                return replace(text, bound.text(0), bound.text(1), bound.integer(2, -1));
              };
          case "removeprefix" ->
              a -> {
                Text prefix = a.bind(name, "prefix").text(0);
                return text.chars().startsWith(prefix.chars())
                    ? text.substring(prefix.length())
                    : text;
              };
          case "removesuffix" ->
              a -> {
                Text suffix = a.bind(name, "suffix").text(0);
                return text.chars().endsWith(suffix.chars())
                    ? text.substring(0, text.length() - suffix.length())
                    : text;
              };
          case "partition" -> a -> partition(text, a.bind(name, "sep").text(0), false);
          case "rpartition" -> a -> partition(text, a.bind(name, "sep").text(0), true);
          case "join" -> a -> join(text, a.bind(name, "iterable").required(0));
          case "find" -> a -> find(text, a, name, false);
          case "rfind" -> a -> find(text, a, name, true);
          case "index" ->
              a -> {
                Int place = find(text, a, name, false);
                if (place.value() < 0) {
                  throw new TemplateFailure("index: substring not found");
                }
                return place;
              };
          case "count" -> a -> new Int(count(text, a.bind(name, "sub").text(0)));
          case "upper" -> a -> nullary(a, name, upper(text));
          case "lower" -> a -> nullary(a, name, lower(text));
          case "title" -> a -> nullary(a, name, title(text));
          case "capitalize" -> a -> nullary(a, name, capitalize(text));
          case "isdigit" -> a -> nullary(a, name, all(text, Character::isDigit));
          case "isalpha" -> a -> nullary(a, name, all(text, Character::isLetter));
          case "isalnum" -> a -> nullary(a, name, all(text, Character::isLetterOrDigit));
          case "isspace" -> a -> nullary(a, name, all(text, PythonChars::isSpace));
          case "isupper" -> a -> nullary(a, name, Bool.of(isUpper(text)));
          case "islower" -> a -> nullary(a, name, Bool.of(isLower(text)));
          default -> null;
        };
    return body == null ? null : new Function(name, counted(text, body));
  }

  private Function.Body counted(Text text, Function.Body body) {
    return arguments -> {
      int wanted = 1;
      for (Value argument : arguments.positional()) {
        wanted = argument instanceof Text part ? Math.max(wanted, part.length()) : wanted;
      }
      budget.search(text.length(), wanted);
      budget.chars(text.length());
      return body.call(arguments);
    };
  }

  private static Value nullary(Arguments arguments, String name, Value result) {
    arguments.bind(name);
    return result;
  }

  private static Text strip(
      Text text, Arguments arguments, String name, boolean left, boolean right) {
    return strip(text, arguments.bind(name, "chars").textOrNull(0), left, right);
  }

  static Text strip(Text text, @Nullable Text set, boolean left, boolean right) {
    IntPredicate strips = set == null ? PythonChars::isSpace : c -> set.chars().indexOf(c) >= 0;
    String chars = text.chars();
    int from = 0;
    int to = chars.length();
    while (left && from < to && strips.test(chars.codePointAt(from))) {
      from += Character.charCount(chars.codePointAt(from));
    }
    while (right && to > from && strips.test(chars.codePointBefore(to))) {
      to -= Character.charCount(chars.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  private Value split(Text text, Arguments arguments, String name, boolean fromRight) {
    var bound = arguments.bind(name, "sep", "maxsplit");
    Text separator = bound.textOrNull(0);
    long maxSplit = bound.integer(1, -1);
    long limit = maxSplit < 0 ? Long.MAX_VALUE : maxSplit;
    if (separator != null && separator.isEmpty()) {
      throw new TemplateFailure(name + ": empty separator");
    }
    List<Value> parts =
        separator == null
            ? (fromRight ? splitAtSpacesFromRight(text, limit) : splitAtSpaces(text, limit))
            : (fromRight
                ? splitFromRight(text, separator.chars(), limit)
                : split(text, separator.chars(), limit));
    return Sequence.list(parts);
  }

  private List<Value> split(Text text, String separator, long limit) {
    List<Value> parts = new ArrayList<>();
    int from = 0;
    for (int at = text.chars().indexOf(separator); at >= 0 && parts.size() < limit; ) {
      parts.add(part(text, from, at));
      from = at + separator.length();
      at = text.chars().indexOf(separator, from);
    }
    parts.add(part(text, from, text.length()));
    return parts;
  }

  private List<Value> splitFromRight(Text text, String separator, long limit) {
    List<Value> parts = new ArrayList<>();
    int to = text.length();
    for (int at = text.chars().lastIndexOf(separator); at >= 0 && parts.size() < limit; ) {
      parts.add(part(text, at + separator.length(), to));
      to = at;
      at =
          to < separator.length()
              ? -1
              : text.chars().lastIndexOf(separator, to - separator.length());
    }
    parts.add(part(text, 0, to));
    return parts.reversed();
  }

  private List<Value> splitAtSpaces(Text text, long limit) {
    String chars = text.chars();
    List<Value> parts = new ArrayList<>();
    int from = PythonChars.skipSpaces(chars, 0);
    while (from < chars.length()) {
      // Once the limit is reached, the rest is one part, spaces at its end included.
      int to = parts.size() == limit ? chars.length() : from;
      while (to < chars.length() && !PythonChars.isSpace(chars.charAt(to))) {
        to++;
      }
      parts.add(part(text, from, to));
      from = PythonChars.skipSpaces(chars, to);
    }
    return parts;
  }

  private List<Value> splitAtSpacesFromRight(Text text, long limit) {
    String chars = text.chars();
    List<Value> parts = new ArrayList<>();
    int to = PythonChars.skipSpacesBack(chars, 0, chars.length());
    while (to > 0) {
      int from = parts.size() == limit ? 0 : to;
      while (from > 0 && !PythonChars.isSpace(chars.charAt(from - 1))) {
        from--;
      }
      parts.add(part(text, from, to));
      to = PythonChars.skipSpacesBack(chars, 0, from);
    }
    return parts.reversed();
  }

  List<Value> lines(Text text, boolean keepEnds) {
    String chars = text.chars();
    List<Value> lines = new ArrayList<>();
    int from = 0;
    while (from < chars.length()) {
      int end = from;
      while (end < chars.length() && !PythonChars.isLineEnd(chars.charAt(end))) {
        end++;
      }
      int next = Math.min(end + (chars.startsWith("\r\n", end) ? 2 : 1), chars.length());
      lines.add(part(text, from, keepEnds ? next : end));
      from = next;
    }
    return lines;
  }

  private Text part(Text text, int from, int to) {
    budget.elements(1);
    return text.substring(from, to);
  }

  private static Value affix(Text text, Arguments arguments, String name, boolean start) {
    Value affix = arguments.bind(name, "affix").required(0);
    List<Value> choices =
        affix instanceof Sequence sequence && sequence.kind() == Sequence.Kind.TUPLE
            ? sequence.items()
            : List.of(affix);
    for (Value choice : choices) {
      if (!(choice instanceof Text part)) {
        throw new TemplateFailure(
            name + " needs a string or a tuple of strings; got " + Types.name(choice));
      }
      if (start ? text.chars().startsWith(part.chars()) : text.chars().endsWith(part.chars())) {
        return Bool.TRUE;
      }
    }
    return Bool.FALSE;
  }

  /// Every occurrence, from the left, at most `limit` of them if that is not negative; the rest keeps its provenance, and the
  /// replacement has its own.
  Text replace(Text text, Text old, Text replacement, long limit) {
    budget.search(text.length(), old.length());
    Text.Builder result = new Text.Builder(budget);
    int from = 0;
    long count = 0;
    int at = text.chars().indexOf(old.chars());
    while (at >= 0 && (limit < 0 || count < limit)) {
      // An empty `old` stands before every character and at the end.
      int next =
          old.isEmpty()
              ? (at < text.length() ? text.chars().offsetByCodePoints(at, 1) : at + 1)
              : at + old.length();
      result.append(text.substring(from, at)).append(replacement);
      from = old.isEmpty() ? at : next;
      count++;
      at = next > text.length() ? -1 : text.chars().indexOf(old.chars(), next);
    }
    return result.append(text.substring(from)).build();
  }

  private static Value partition(Text text, Text separator, boolean fromRight) {
    if (separator.isEmpty()) {
      throw new TemplateFailure("partition: empty separator");
    }
    int at =
        fromRight
            ? text.chars().lastIndexOf(separator.chars())
            : text.chars().indexOf(separator.chars());
    if (at < 0) {
      return fromRight
          ? Sequence.tuple(Text.EMPTY, Text.EMPTY, text)
          : Sequence.tuple(text, Text.EMPTY, Text.EMPTY);
    }
    return Sequence.tuple(
        text.substring(0, at), separator, text.substring(at + separator.length()));
  }

  private Value join(Text separator, Value iterable) {
    Types.defined(iterable);
    List<Value> parts = Types.elements(iterable, budget);
    for (Value part : parts) {
      if (!(part instanceof Text)) {
        throw new TemplateFailure("join needs strings; got " + Types.name(part));
      }
    }
    return join(separator, parts);
  }

  /// The parts, as `str` prints them, with the separator in between.
  Text join(Text separator, List<Value> parts) {
    Text.Builder result = new Text.Builder(budget);
    for (int i = 0; i < parts.size(); i++) {
      result.append(i == 0 ? Text.EMPTY : separator).append(printer.text(parts.get(i)));
    }
    return result.build();
  }

  private static Int find(Text text, Arguments arguments, String name, boolean last) {
    var bound = arguments.bind(name, "sub", "start", "end");
    long length = text.numCodePoints();
    long start = Slices.clampIndex(bound.integer(1, 0), length);
    long end = Slices.clampIndex(bound.integer(2, length), length);
    if (start > end) {
      return new Int(-1);
    }
    int from = text.chars().offsetByCodePoints(0, (int) start);
    int to = text.chars().offsetByCodePoints(0, (int) end);
    String range = text.chars().substring(from, to);
    String part = bound.text(0).chars();
    int at = last ? range.lastIndexOf(part) : range.indexOf(part);
    return new Int(at < 0 ? -1 : start + range.codePointCount(0, at));
  }

  private static long count(Text text, Text part) {
    if (part.isEmpty()) {
      return text.numCodePoints() + 1L;
    }
    long count = 0;
    for (int at = text.chars().indexOf(part.chars()); at >= 0; count++) {
      at = text.chars().indexOf(part.chars(), at + part.length());
    }
    return count;
  }

  static Text upper(Text text) {
    return text.transformed(text.chars().toUpperCase(Locale.ROOT));
  }

  static Text lower(Text text) {
    return text.transformed(text.chars().toLowerCase(Locale.ROOT));
  }

  static Text capitalize(Text text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.chars().offsetByCodePoints(0, 1);
    return text.transformed(
        titleCase(text.chars().codePointAt(0))
            + text.chars().substring(first).toLowerCase(Locale.ROOT));
  }

  /// `str.title`: every run of letters begins large.
  private static Text title(Text text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.chars().codePointAt(i);
      result.append(inWord ? Character.toString(c).toLowerCase(Locale.ROOT) : titleCase(c));
      inWord = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
      i += Character.charCount(c);
    }
    return text.transformed(result.toString());
  }

  private static String titleCase(int c) {
    String large = Character.toString(c).toUpperCase(Locale.ROOT);
    // Some letters have a form for the beginning of a word (ǅ), and some grow to two letters (ß to
    // Ss).
    return large.codePointCount(0, large.length()) == 1
        ? Character.toString(Character.toTitleCase(c))
        : large.charAt(0) + large.substring(1).toLowerCase(Locale.ROOT);
  }

  private static Value all(Text text, IntPredicate test) {
    return Bool.of(!text.isEmpty() && text.chars().codePoints().allMatch(test));
  }

  static boolean isUpper(Text text) {
    return text.chars().codePoints().anyMatch(Character::isUpperCase)
        && text.chars().codePoints().noneMatch(Character::isLowerCase);
  }

  static boolean isLower(Text text) {
    return text.chars().codePoints().anyMatch(Character::isLowerCase)
        && text.chars().codePoints().noneMatch(Character::isUpperCase);
  }
}
