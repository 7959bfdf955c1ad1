package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The variable `loop` inside a loop.
final class Loop implements Value {
  private final List<Value> items;
  private final int depth0;
  private int index0;
  private @Nullable Value lastChecked;

  Loop(List<Value> items, int depth0) {
    this.items = items;
    this.depth0 = depth0;
  }

  int depth0() {
    return depth0;
  }

  void moveTo(int newIndex0) {
    index0 = newIndex0;
  }

  Value attribute(String name, Operators operators) {
    int length = items.size();
    return switch (name) {
      case "index" -> new Int(index0 + 1L);
      case "index0" -> new Int(index0);
      case "revindex" -> new Int((long) length - index0);
      case "revindex0" -> new Int(length - index0 - 1L);
      case "first" -> Bool.of(index0 == 0);
      case "last" -> Bool.of(index0 == length - 1);
      case "length" -> new Int(length);
      case "depth" -> new Int(depth0 + 1L);
      case "depth0" -> new Int(depth0);
      case "previtem" ->
          index0 > 0 ? items.get(index0 - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index0 + 1 < length ? items.get(index0 + 1) : new Undefined("there is no next item");
      case "cycle" -> new Function("cycle", this::cycle);
      case "changed" -> new Function("changed", arguments -> changed(arguments, operators));
      default -> new Undefined("'loop' has no attribute '" + name + "'");
    };
  }

  private Value cycle(Arguments arguments) {
    List<Value> choices = arguments.positional();
    if (choices.isEmpty()) {
      throw new TemplateFailure("no items for cycling given");
    }
    return choices.get(index0 % choices.size());
  }

  private Value changed(Arguments arguments, Operators operators) {
    Value now = new Sequence(Sequence.Kind.TUPLE, arguments.positional());
    boolean changed = lastChecked == null || !operators.equal(lastChecked, now);
    lastChecked = now;
    return Bool.of(changed);
  }
}
