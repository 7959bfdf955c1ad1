package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Expr.CallArguments;
import dev.slabstream.tokenizer.template.Expr.NamedArgument;
import dev.slabstream.tokenizer.template.Expr.Pair;
import dev.slabstream.tokenizer.template.Expr.Step;
import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Function;
import dev.slabstream.tokenizer.template.Value.Sequence;
import dev.slabstream.tokenizer.template.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Works out expressions, in one rendering.
final class Evaluator {
  private final String source;
  private final Budget budget;
  private final Operators operators;
  private final Printer printer;
  private final Attributes attributes;
  private final Filters filters;
  private final Tests tests;

  Evaluator(String source, Budget budget) {
    this.source = source;
    this.budget = budget;
    operators = new Operators(budget);
    printer = new Printer(budget);
    TextMethods textMethods = new TextMethods(budget, printer);
    attributes = new Attributes(budget, operators, textMethods);
    tests = new Tests(operators);
    filters = new Filters(budget, operators, printer, textMethods, attributes, tests);
  }

  Text print(Expr expression, Scope scope) {
    return text(evaluate(expression, scope));
  }

  /// As it is printed.
  Text text(Value value) {
    return printer.text(value);
  }

  boolean holds(Expr condition, Scope scope) {
    return Types.truthy(evaluate(condition, scope));
  }

  Value evaluate(Expr expression, Scope scope) {
    try {
      budget.enter();
      Value value = worth(expression, scope);
      budget.leave();
      return value;
    } catch (TemplateFailure failure) {
      throw ChatTemplateException.at(source, expression.at(), String.valueOf(failure.getMessage()));
    }
  }

  private Value worth(Expr expression, Scope scope) {
    return switch (expression) {
      case Expr.Literal literal -> literal.value();
      case Expr.Name name -> {
        Value value = scope.find(name.name());
        yield value == null ? new Undefined("'" + name.name() + "' is undefined") : value;
      }
      case Expr.ListOf list -> Sequence.list(all(list.items(), scope));
      case Expr.TupleOf tuple -> new Sequence(Sequence.Kind.TUPLE, all(tuple.items(), scope));
      case Expr.DictOf dict -> dict(dict, scope);
      case Expr.Negate negate -> operators.negate(evaluate(negate.operand(), scope));
      case Expr.Plus plus -> plus(evaluate(plus.operand(), scope));
      case Expr.Not not -> Bool.of(!holds(not.operand(), scope));
      case Expr.And and -> {
        Value left = evaluate(and.left(), scope);
        yield Types.truthy(left) ? evaluate(and.right(), scope) : left;
      }
      case Expr.Or or -> {
        Value left = evaluate(or.left(), scope);
        yield Types.truthy(left) ? left : evaluate(or.right(), scope);
      }
      case Expr.Binary binary ->
          operators.apply(
              binary.operator(), evaluate(binary.left(), scope), evaluate(binary.right(), scope));
      case Expr.Concat concat -> {
        Text.Builder result = new Text.Builder(budget);
        for (Expr part : concat.parts()) {
          result.append(print(part, scope));
        }
        yield result.build();
      }
      case Expr.Compare compare -> compare(compare, scope);
      case Expr.Conditional conditional -> conditional(conditional, scope);
      case Expr.Attribute attribute ->
          attributes.attribute(evaluate(attribute.object(), scope), attribute.name());
      case Expr.Index index ->
          attributes.element(evaluate(index.object(), scope), evaluate(index.index(), scope));
      case Expr.Slice slice ->
          Slices.slice(
              evaluate(slice.object(), scope),
              evaluateIfPresent(slice.start(), scope),
              evaluateIfPresent(slice.stop(), scope),
              evaluateIfPresent(slice.step(), scope),
              budget);
      case Expr.Call call ->
          call(evaluate(call.callee(), scope), arguments(call.arguments(), scope));
      case Expr.Filter filter ->
          filters.apply(
              filter.name(), evaluate(filter.input(), scope), arguments(filter.arguments(), scope));
      case Expr.Test test ->
          Bool.of(
              tests.holds(
                      test.name(),
                      evaluate(test.input(), scope),
                      arguments(test.arguments(), scope))
                  != test.negated());
    };
  }

  Value call(Value callee, Arguments arguments) {
    if (callee instanceof Function function) {
      return function.body().call(arguments);
    }
    throw new TemplateFailure(Types.name(Types.defined(callee)) + " cannot be called");
  }

  Arguments arguments(CallArguments given, Scope scope) {
    Map<String, Value> named = new LinkedHashMap<>();
    List<Value> positional = all(given.positional(), scope);
    for (NamedArgument argument : given.named()) {
      if (named.put(argument.name(), evaluate(argument.value(), scope)) != null) {
        throw new TemplateFailure("the argument '" + argument.name() + "' is given twice");
      }
    }
    return new Arguments(positional, named);
  }

  private List<Value> all(List<Expr> expressions, Scope scope) {
    List<Value> values = new ArrayList<>(expressions.size());
    for (Expr expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private @Nullable Value evaluateIfPresent(@Nullable Expr expression, Scope scope) {
    return expression == null ? null : evaluate(expression, scope);
  }

  private Dict dict(Expr.DictOf expression, Scope scope) {
    Dict dict = new Dict();
    for (Pair pair : expression.pairs()) {
      dict.put(evaluate(pair.key(), scope), evaluate(pair.value(), scope));
    }
    return dict;
  }

  private Value plus(Value value) {
    return switch (Types.defined(value)) {
      case Value.Int number -> number;
      case Value.Real real -> real;
      case Bool bool -> new Value.Int(bool.value() ? 1 : 0);
      case Value other -> throw new TemplateFailure("no sign goes before " + Types.name(other));
    };
  }

  private Value conditional(Expr.Conditional conditional, Scope scope) {
    if (holds(conditional.condition(), scope)) {
      return evaluate(conditional.then(), scope);
    }
    return conditional.otherwise() == null
        ? new Undefined("the condition is false, and there is no 'else'")
        : evaluate(conditional.otherwise(), scope);
  }

  private Value compare(Expr.Compare compare, Scope scope) {
    Value left = evaluate(compare.first(), scope);
    for (Step step : compare.steps()) {
      Value right = evaluate(step.operand(), scope);
      boolean holds =
          switch (step.operator()) {
            case "==" -> operators.equal(left, right);
            case "!=" -> !operators.equal(left, right);
            case "<" -> operators.compare(left, right) < 0;
            case "<=" -> operators.compare(left, right) <= 0;
            case ">" -> operators.compare(left, right) > 0;
            case ">=" -> operators.compare(left, right) >= 0;
            case "in" -> operators.contains(right, left);
            case "not in" -> !operators.contains(right, left);
            default -> throw new IllegalStateException("no comparison " + step.operator());
          };
      if (!holds) {
        return Bool.FALSE;
      }
      left = right;
    }
    return Bool.TRUE;
  }
}
