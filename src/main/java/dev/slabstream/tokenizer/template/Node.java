package dev.slabstream.tokenizer.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A statement of a template. `at` is the offset in the source at which errors are reported.
sealed interface Node {
  int at();

  record Data(Text text, int at) implements Node {}

  /// `{{ value }}`
  record Print(Expr value, int at) implements Node {}

  /// `{% if %}`, `{% elif %}` …, `{% else %}`
  record If(List<Branch> branches, List<Node> otherwise, int at) implements Node {}

  record Branch(Expr condition, List<Node> body) {}

  record For(
      Target target,
      Expr iterable,
      @Nullable Expr condition,
      List<Node> body,
      List<Node> otherwise,
      int at)
      implements Node {}

  record Break(int at) implements Node {}

  record Continue(int at) implements Node {}

  record Set(Target target, Expr value, int at) implements Node {}

  /// `{% set x | filter %}…{% endset %}`: `filtered` is the chain of filters over [#CAPTURED].
  record SetBlock(Target target, Expr filtered, List<Node> body, int at) implements Node {}

  /// `{% filter f %}…{% endfilter %}`
  record FilterBlock(Expr filtered, List<Node> body, int at) implements Node {}

  record Macro(String name, List<Parameter> parameters, List<Node> body, int at) implements Node {}

  record Parameter(String name, @Nullable Expr absent) {}

  /// `{% call(parameters) callee(…) %}…{% endcall %}`
  record CallBlock(Expr.Call call, List<Parameter> parameters, List<Node> body, int at)
      implements Node {}

  /// `{% with a = 1 %}…{% endwith %}`, and a `{% generation %}` block, which assigns nothing.
  record With(List<Assignment> assignments, List<Node> body, int at) implements Node {}

  record Assignment(Target target, Expr value) {}

  /// The name under which the body of a block is what its filters begin with; no template can write it.
  String CAPTURED = "(captured)";

  /// What an assignment assigns to.
  sealed interface Target {
    record Variable(String name) implements Target {}

    /// An attribute of a namespace.
    record Member(String namespace, String name) implements Target {}

    record Unpacked(List<Target> targets) implements Target {}
  }
}
