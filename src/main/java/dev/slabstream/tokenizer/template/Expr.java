package dev.slabstream.tokenizer.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// An expression. `at` is the offset in the source at which errors are reported.
sealed interface Expr {
  int at();

  record Literal(Value value, int at) implements Expr {}

  record Name(String name, int at) implements Expr {}

  record ListOf(List<Expr> items, int at) implements Expr {}

  record TupleOf(List<Expr> items, int at) implements Expr {}

  record DictOf(List<Pair> pairs, int at) implements Expr {}

  record Pair(Expr key, Expr value) {}

  record Negate(Expr operand, int at) implements Expr {}

  record Plus(Expr operand, int at) implements Expr {}

  record Not(Expr operand, int at) implements Expr {}

  record And(Expr left, Expr right, int at) implements Expr {}

  record Or(Expr left, Expr right, int at) implements Expr {}

  /// `+ - * / // % **`
  record Binary(String operator, Expr left, Expr right, int at) implements Expr {}

  /// `a ~ b ~ c`
  record Concat(List<Expr> parts, int at) implements Expr {}

  /// `a < b <= c`: true when every neighbouring pair is in order.
  record Compare(Expr first, List<Step> steps, int at) implements Expr {}

  /// `== != < <= > >=`, `in`, `not in`
  record Step(String operator, Expr operand) {}

  /// `then if condition else otherwise`
  record Conditional(Expr condition, Expr then, @Nullable Expr otherwise, int at) implements Expr {}

  record Attribute(Expr object, String name, int at) implements Expr {}

  record Index(Expr object, Expr index, int at) implements Expr {}

  record Slice(Expr object, @Nullable Expr start, @Nullable Expr stop, @Nullable Expr step, int at)
      implements Expr {}

  record Call(Expr callee, CallArguments arguments, int at) implements Expr {}

  record Filter(Expr input, String name, CallArguments arguments, int at) implements Expr {}

  record Test(Expr input, String name, CallArguments arguments, boolean negated, int at)
      implements Expr {}

  record CallArguments(List<Expr> positional, List<NamedArgument> named) {
    static final CallArguments NONE = new CallArguments(List.of(), List.of());
  }

  record NamedArgument(String name, Expr value) {}
}
