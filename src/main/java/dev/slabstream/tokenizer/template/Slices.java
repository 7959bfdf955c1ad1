package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `x[start:stop:step]`, as Python slices strings, lists and tuples.
final class Slices {
  private Slices() {}

  static Value slice(
      Value value,
      @Nullable Value start,
      @Nullable Value stop,
      @Nullable Value step,
      Budget budget) {
    long by = bound(step, 1);
    if (by == 0) {
      throw new TemplateFailure("a slice's step cannot be zero");
    }
    return switch (value) {
      case Text text -> {
        budget.chars(text.length());
        if (by == 1) {
          long length = text.numCodePoints();
          int from = (int) clampIndex(bound(start, 0), length);
          int to = (int) Math.max(from, clampIndex(bound(stop, length), length));
          int fromOffset = text.chars().offsetByCodePoints(0, from);
          yield text.substring(fromOffset, text.chars().offsetByCodePoints(fromOffset, to - from));
        }
        budget.elements(text.length());
        Text.Builder result = new Text.Builder(budget);
        pick(text.codePoints(), start, stop, by).forEach(c -> result.append((Text) c));
        yield result.build();
      }
      case Sequence sequence
          when sequence.kind() == Sequence.Kind.LIST || sequence.kind() == Sequence.Kind.TUPLE -> {
        budget.elements(sequence.items().size());
        yield new Sequence(sequence.kind(), pick(sequence.items(), start, stop, by));
      }
      case Value other ->
          throw new TemplateFailure(Types.name(Types.defined(other)) + " cannot be sliced");
    };
  }

  /// A bound of a slice: negative ones count from the end, and what lies outside is moved to the border.
  static long clampIndex(long index, long length) {
    return Math.clamp(index < 0 ? index + length : index, 0, length);
  }

  private static List<Value> pick(
      List<Value> items, @Nullable Value start, @Nullable Value stop, long step) {
    int length = items.size();
    List<Value> picked = new ArrayList<>();
    if (step > 0) {
      long to = clampIndex(bound(stop, length), length);
      for (long i = clampIndex(bound(start, 0), length); i < to; i += Math.min(step, length)) {
        picked.add(items.get((int) i));
      }
    } else {
      long to = isAbsent(stop) ? -1 : clampBackwards(bound(stop, 0), length);
      long from = isAbsent(start) ? length - 1L : clampBackwards(bound(start, 0), length);
      for (long i = from; i > to; i += Math.max(step, -length)) {
        picked.add(items.get((int) i));
      }
    }
    return picked;
  }

  private static long clampBackwards(long index, int length) {
    return Math.clamp(index < 0 ? index + length : index, -1, length - 1L);
  }

  private static boolean isAbsent(@Nullable Value value) {
    return value == null || value instanceof None;
  }

  private static long bound(@Nullable Value value, long absent) {
    return switch (value) {
      case null -> absent;
      case None none -> absent;
      case Int number -> number.value();
      case Value.Bool bool -> bool.value() ? 1 : 0;
      case Value other ->
          throw new TemplateFailure("a slice needs integers; got " + Types.name(other));
    };
  }
}
