package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The functions that every template can call: Jinja's, and the two that Hugging Face adds.
final class Globals {
  private static final long RANGE_BOUND = 1L << 60;
  private static final int TIME_FORMAT_CHARS = 1000;

  private final Budget budget;
  private final Printer printer;
  private final Clock clock;

  Globals(Budget budget, Printer printer, Clock clock) {
    this.budget = budget;
    this.printer = printer;
    this.clock = clock;
  }

  Scope scope() {
    Scope scope = new Scope(null);
    scope.set("range", new Function("range", this::range));
    scope.set("namespace", new Function("namespace", this::namespace));
    scope.set("dict", new Function("dict", this::dict));
    scope.set("raise_exception", new Function("raise_exception", this::raiseException));
    scope.set("strftime_now", new Function("strftime_now", this::now));
    return scope;
  }

  private Value range(Arguments arguments) {
    boolean onlyStop = arguments.positional().size() == 1;
    var bound =
        onlyStop
            ? arguments.bind("range", "stop")
            : arguments.bind("range", "start", "stop", "step");
    bound.required(onlyStop ? 0 : 1);
    long start = onlyStop ? 0 : bound.integer(0, 0);
    long stop = bound.integer(onlyStop ? 0 : 1, 0);
    long step = onlyStop ? 1 : bound.integer(2, 1);
    if (step == 0) {
      throw new TemplateFailure("range: the step cannot be zero");
    }
    long widest = Math.max(Math.abs(start), Math.max(Math.abs(stop), Math.abs(step)));
    if (widest > RANGE_BOUND) {
      throw new TemplateFailure("range: its bounds must be within " + RANGE_BOUND);
    }
    List<Value> items = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (items.size() == Limits.RANGE_SIZE) {
        throw new TemplateFailure("range is too large: the limit is " + Limits.RANGE_SIZE);
      }
      items.add(new Int(i));
    }
    budget.elements(items.size());
    return Sequence.list(items);
  }

  private Value namespace(Arguments arguments) {
    Namespace namespace = new Namespace();
    for (Dict.Entry entry : ((Dict) dict(arguments)).entries()) {
      namespace.set(printer.text(entry.key()).chars(), entry.value());
    }
    return namespace;
  }

  private Value dict(Arguments arguments) {
    Dict dict = new Dict();
    for (Value source : arguments.positional()) {
      if (source instanceof Dict other) {
        other.entries().forEach(entry -> dict.put(entry.key(), entry.value()));
      } else {
        for (Value pair : Types.elements(source, budget)) {
          List<Value> parts = Types.elements(pair, budget);
          if (parts.size() != 2) {
            throw new TemplateFailure("dict needs pairs; got " + parts.size() + " elements");
          }
          dict.put(parts.getFirst(), parts.getLast());
        }
      }
    }
    for (Map.Entry<String, Value> named : arguments.named().entrySet()) {
      dict.put(Text.fromTemplate(named.getKey()), named.getValue());
    }
    budget.elements(dict.size());
    return dict;
  }

  private Value raiseException(Arguments arguments) {
    Value message = arguments.bind("raise_exception", "message").required(0);
    throw new TemplateFailure(printer.text(message).chars());
  }

  private Value now(Arguments arguments) {
    String format = arguments.bind("strftime_now", "format").text(0).chars();
    if (format.length() > TIME_FORMAT_CHARS) {
      throw new TemplateFailure(
          "strftime_now: a format of "
              + format.length()
              + " characters; the limit is "
              + TIME_FORMAT_CHARS);
    }
    return Text.fromTemplate(new Strftime(ZonedDateTime.now(clock)).format(format));
  }
}
