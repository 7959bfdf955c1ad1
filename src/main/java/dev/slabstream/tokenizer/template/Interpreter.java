package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Node.Assignment;
import dev.slabstream.tokenizer.template.Node.Branch;
import dev.slabstream.tokenizer.template.Node.Parameter;
import dev.slabstream.tokenizer.template.Node.Target;
import dev.slabstream.tokenizer.template.Value.Function;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Runs the statements of one rendering.
final class Interpreter {
  /// How a body ended.
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final String source;
  private final Budget budget;
  private final Evaluator evaluator;
  private int loopDepth;

  Interpreter(String source, Budget budget) {
    this.source = source;
    this.budget = budget;
    evaluator = new Evaluator(source, budget);
  }

  Text run(List<Node> nodes, Scope scope) {
    Text.Builder out = new Text.Builder(budget);
    body(nodes, scope, out);
    return out.build();
  }

  private Flow body(List<Node> nodes, Scope scope, Text.Builder out) {
    for (Node node : nodes) {
      Flow flow = statement(node, scope, out);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow statement(Node node, Scope scope, Text.Builder out) {
    try {
      budget.enter();
      Flow flow = execute(node, scope, out);
      budget.leave();
      return flow;
    } catch (TemplateFailure failure) {
      throw ChatTemplateException.at(source, node.at(), String.valueOf(failure.getMessage()));
    }
  }

  private Flow execute(Node node, Scope scope, Text.Builder out) {
    switch (node) {
      case Node.Data data -> out.append(data.text());
      case Node.Print print -> out.append(evaluator.print(print.value(), scope));
      case Node.If conditional -> {
        return body(chosen(conditional, scope), scope, out);
      }
      case Node.For loop -> {
        return loop(loop, scope, out);
      }
      case Node.Break end -> {
        return Flow.BREAK;
      }
      case Node.Continue next -> {
        return Flow.CONTINUE;
      }
      case Node.Set set -> assign(set.target(), evaluator.evaluate(set.value(), scope), scope);
      case Node.SetBlock set ->
          assign(set.target(), filtered(set.filtered(), set.body(), scope), scope);
      case Node.FilterBlock block ->
          out.append(evaluator.text(filtered(block.filtered(), block.body(), scope)));
      case Node.Macro macro ->
          scope.set(macro.name(), callable(macro.name(), macro.parameters(), macro.body(), scope));
      case Node.CallBlock block -> out.append(called(block, scope));
      case Node.With with -> {
        Scope inner = new Scope(scope);
        for (Assignment assignment : with.assignments()) {
          assign(assignment.target(), evaluator.evaluate(assignment.value(), scope), inner);
        }
        return body(with.body(), inner, out);
      }
    }
    return Flow.NEXT;
  }

  private List<Node> chosen(Node.If conditional, Scope scope) {
    for (Branch branch : conditional.branches()) {
      if (evaluator.holds(branch.condition(), scope)) {
        return branch.body();
      }
    }
    return conditional.otherwise();
  }

  private Flow loop(Node.For loop, Scope scope, Text.Builder out) {
    List<Value> items = Types.elements(evaluator.evaluate(loop.iterable(), scope), budget);
    if (loop.condition() != null) {
      List<Value> kept = new ArrayList<>();
      for (Value item : items) {
        Scope inner = new Scope(scope);
        assign(loop.target(), item, inner);
        if (evaluator.holds(loop.condition(), inner)) {
          kept.add(item);
        }
      }
      items = kept;
    }
    if (items.isEmpty()) {
      // A 'break' in the 'else' belongs to the loop around this one.
      return body(loop.otherwise(), new Scope(scope), out);
    }
    Loop state = new Loop(items, loopDepth);
    loopDepth++;
    for (int i = 0; i < items.size(); i++) {
      budget.elements(1);
      state.moveTo(i);
      Scope inner = new Scope(scope);
      inner.set("loop", state);
      assign(loop.target(), items.get(i), inner);
      if (body(loop.body(), inner, out) == Flow.BREAK) {
        break;
      }
    }
    loopDepth--;
    return Flow.NEXT;
  }

  private Value filtered(Expr filtered, List<Node> body, Scope scope) {
    Scope inner = new Scope(scope);
    inner.set(Node.CAPTURED, run(body, new Scope(scope)));
    return evaluator.evaluate(filtered, inner);
  }

  private Text called(Node.CallBlock block, Scope scope) {
    Value callee = evaluator.evaluate(block.call().callee(), scope);
    Arguments given = evaluator.arguments(block.call().arguments(), scope);
    Map<String, Value> named = new HashMap<>(given.named());
    named.put("caller", callable("caller", block.parameters(), block.body(), scope));
    return evaluator.text(evaluator.call(callee, new Arguments(given.positional(), named)));
  }

  /// What calls the body of a macro or of a call block. It sees the names around its definition, not those around the call.
  private Function callable(String name, List<Parameter> parameters, List<Node> body, Scope scope) {
    return new Function(
        name,
        arguments -> {
          Scope inner = new Scope(scope);
          Map<String, Value> named = new HashMap<>(arguments.named());
          Value caller = named.remove("caller");
          if (caller != null) {
            inner.set("caller", caller);
          }
          bind(name, parameters, new Arguments(arguments.positional(), named), inner);
          return run(body, inner);
        });
  }

  private void bind(String name, List<Parameter> parameters, Arguments arguments, Scope scope) {
    String[] names = parameters.stream().map(Parameter::name).toArray(String[]::new);
    var bound = arguments.bind(name, names);
    for (int i = 0; i < names.length; i++) {
      Value value = bound.get(i);
      Expr absent = parameters.get(i).absent();
      if (value == null && absent != null) {
        value = evaluator.evaluate(absent, scope);
      }
      scope.set(
          names[i],
          value == null
              ? new Value.Undefined("the parameter '" + names[i] + "' was not given")
              : value);
    }
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.Member member -> {
        if (!(scope.find(member.namespace()) instanceof Namespace namespace)) {
          throw new TemplateFailure(
              "'" + member.namespace() + "' is no namespace, so nothing in it can be set");
        }
        namespace.set(member.name(), value);
      }
      case Target.Unpacked unpacked -> {
        List<Value> parts = Types.elements(value, budget);
        if (parts.size() != unpacked.targets().size()) {
          throw new TemplateFailure(
              "cannot unpack "
                  + parts.size()
                  + " values into "
                  + unpacked.targets().size()
                  + " names");
        }
        for (int i = 0; i < parts.size(); i++) {
          assign(unpacked.targets().get(i), parts.get(i), scope);
        }
      }
    }
  }
}
