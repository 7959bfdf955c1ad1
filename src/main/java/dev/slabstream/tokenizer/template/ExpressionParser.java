package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Expr.CallArguments;
import dev.slabstream.tokenizer.template.Expr.NamedArgument;
import dev.slabstream.tokenizer.template.Expr.Pair;
import dev.slabstream.tokenizer.template.Expr.Step;
import dev.slabstream.tokenizer.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Expressions, by recursive descent in the order of Jinja's grammar: `a if b else c`, `or`, `and`, `not`, comparisons and
/// `in`, `+ -`, `~`, `* / // %`, `**`, unary `+ -`, then postfix `. [] ()`, filters and tests.
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream tokens;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  Expr expression() {
    return conditional();
  }

  /// One expression, or several with commas: a tuple. Of a loop's iterable, `if` is no part: it begins the loop's filter.
  Expr expressions(boolean withConditional) {
    int at = tokens.peek().at();
    List<Expr> items = new ArrayList<>();
    boolean isTuple = false;
    while (!endsTuple()) {
      items.add(withConditional ? conditional() : or());
      if (!tokens.skipOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (items.isEmpty()) {
      throw tokens.unexpected("an expression");
    }
    return isTuple ? new Expr.TupleOf(items, at) : items.getFirst();
  }

  private boolean endsTuple() {
    Token token = tokens.peek();
    return token.kind() == Kind.PRINT_END
        || token.kind() == Kind.BLOCK_END
        || token.is(Kind.OPERATOR, ")");
  }

  private Expr conditional() {
    tokens.enter();
    Expr result = or();
    while (tokens.isName("if")) {
      int at = tokens.take().at();
      Expr condition = or();
      Expr otherwise = tokens.skipName("else") ? conditional() : null;
      result = new Expr.Conditional(condition, result, otherwise, at);
    }
    tokens.leave();
    return result;
  }

  private Expr or() {
    Expr left = and();
    while (tokens.isName("or")) {
      int at = tokens.take().at();
      left = new Expr.Or(left, and(), at);
    }
    return left;
  }

  private Expr and() {
    Expr left = not();
    while (tokens.isName("and")) {
      int at = tokens.take().at();
      left = new Expr.And(left, not(), at);
    }
    return left;
  }

  private Expr not() {
    if (!tokens.isName("not")) {
      return comparison();
    }
    tokens.enter();
    int at = tokens.take().at();
    Expr result = new Expr.Not(not(), at);
    tokens.leave();
    return result;
  }

  private Expr comparison() {
    int at = tokens.peek().at();
    Expr first = sum();
    List<Step> steps = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        tokens.take();
        steps.add(new Step(token.text(), sum()));
      } else if (tokens.skipName("in")) {
        steps.add(new Step("in", sum()));
      } else if (tokens.isName("not") && tokens.peekSecond().is(Kind.NAME, "in")) {
        tokens.take();
        tokens.take();
        steps.add(new Step("not in", sum()));
      } else {
        return steps.isEmpty() ? first : new Expr.Compare(first, steps, at);
      }
    }
  }

  private Expr sum() {
    Expr left = concatenation();
    while (tokens.isOperator("+") || tokens.isOperator("-")) {
      Token operator = tokens.take();
      left = new Expr.Binary(operator.text(), left, concatenation(), operator.at());
    }
    return left;
  }

  private Expr concatenation() {
    int at = tokens.peek().at();
    Expr first = product();
    if (!tokens.isOperator("~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expr.Concat(parts, at);
  }

  private Expr product() {
    Expr left = power();
    while (tokens.isOperator("*")
        || tokens.isOperator("/")
        || tokens.isOperator("//")
        || tokens.isOperator("%")) {
      Token operator = tokens.take();
      left = new Expr.Binary(operator.text(), left, power(), operator.at());
    }
    return left;
  }

  private Expr power() {
    Expr left = unary(true);
    while (tokens.isOperator("**")) {
      int at = tokens.take().at();
      left = new Expr.Binary("**", left, unary(true), at);
    }
    return left;
  }

  /// A sign binds tighter than a filter: `-1 | abs` is 1.
  private Expr unary(boolean withFilters) {
    tokens.enter();
    int at = tokens.peek().at();
    Expr result;
    if (tokens.skipOperator("-")) {
      result = postfix(new Expr.Negate(unary(false), at));
    } else if (tokens.skipOperator("+")) {
      result = postfix(new Expr.Plus(unary(false), at));
    } else {
      result = postfix(primary());
    }
    tokens.leave();
    return withFilters ? filters(result) : result;
  }

  private Expr primary() {
    Token token = tokens.take();
    return switch (token.kind()) {
      case NAME -> name(token);
      case STRING -> {
        StringBuilder value = new StringBuilder(token.text());
        while (tokens.peek().kind() == Kind.STRING) {
          value.append(tokens.take().text());
        }
        yield new Expr.Literal(Text.fromTemplate(value.toString()), token.at());
      }
      case INTEGER -> new Expr.Literal(new Value.Int(Long.parseLong(token.text())), token.at());
      case FLOAT -> new Expr.Literal(new Value.Real(Double.parseDouble(token.text())), token.at());
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesised(token.at());
            case "[" -> new Expr.ListOf(items("]"), token.at());
            case "{" -> dict(token.at());
            default -> throw notAnExpression(token);
          };
      case DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, END ->
          throw notAnExpression(token);
    };
  }

  private ChatTemplateException notAnExpression(Token token) {
    return tokens.error(token.at(), "expected an expression; found " + token.describe());
  }

  private static Expr name(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expr.Literal(Value.Bool.TRUE, token.at());
      case "false", "False" -> new Expr.Literal(Value.Bool.FALSE, token.at());
      case "none", "None" -> new Expr.Literal(Value.None.NONE, token.at());
      default -> new Expr.Name(token.text(), token.at());
    };
  }

  private Expr parenthesised(int at) {
    if (tokens.skipOperator(")")) {
      return new Expr.TupleOf(List.of(), at);
    }
    Expr inner = expressions(true);
    tokens.expectOperator(")");
    return inner;
  }

  private List<Expr> items(String end) {
    List<Expr> items = new ArrayList<>();
    while (!tokens.skipOperator(end)) {
      items.add(conditional());
      if (!tokens.isOperator(end)) {
        tokens.expectOperator(",");
      }
    }
    return items;
  }

  private Expr dict(int at) {
    List<Pair> pairs = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      Expr key = conditional();
      tokens.expectOperator(":");
      pairs.add(new Pair(key, conditional()));
      if (!tokens.isOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Expr.DictOf(pairs, at);
  }

  private Expr postfix(Expr object) {
    Expr result = object;
    while (true) {
      int at = tokens.peek().at();
      if (tokens.skipOperator(".")) {
        Token member = tokens.take();
        result =
            switch (member.kind()) {
              case NAME -> new Expr.Attribute(result, member.text(), at);
              case INTEGER ->
                  new Expr.Index(
                      result,
                      new Expr.Literal(new Value.Int(Long.parseLong(member.text())), member.at()),
                      at);
              default -> throw tokens.error(member.at(), "expected a name or an index after '.'");
            };
      } else if (tokens.skipOperator("[")) {
        result = subscript(result, at);
      } else if (tokens.isOperator("(")) {
        result = new Expr.Call(result, arguments(), at);
      } else {
        return result;
      }
    }
  }

  private Expr subscript(Expr object, int at) {
    Expr start = tokens.isOperator(":") ? null : expressions(true);
    if (!tokens.skipOperator(":")) {
      tokens.expectOperator("]");
      if (start == null) {
        throw tokens.unexpected("an index");
      }
      return new Expr.Index(object, start, at);
    }
    Expr stop = sliceBound();
    Expr step = tokens.skipOperator(":") ? sliceBound() : null;
    tokens.expectOperator("]");
    return new Expr.Slice(object, start, stop, step, at);
  }

  private @Nullable Expr sliceBound() {
    return tokens.isOperator(":") || tokens.isOperator("]") ? null : conditional();
  }

  /// `(a, b, name=c)`
  CallArguments arguments() {
    tokens.expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    List<NamedArgument> named = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      if (tokens.peek().kind() == Kind.NAME && tokens.peekSecond().is(Kind.OPERATOR, "=")) {
        String name = tokens.take().text();
        tokens.take();
        named.add(new NamedArgument(name, conditional()));
      } else if (named.isEmpty()) {
        positional.add(conditional());
      } else {
        throw tokens.error(tokens.peek().at(), "an argument without a name after one with a name");
      }
      if (!tokens.isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new CallArguments(positional, named);
  }

  /// Filters, tests and calls after an expression.
  private Expr filters(Expr input) {
    Expr result = input;
    while (true) {
      if (tokens.isOperator("|")) {
        result = filter(result);
      } else if (tokens.isName("is")) {
        result = test(result);
      } else if (tokens.isOperator("(")) {
        int at = tokens.peek().at();
        result = new Expr.Call(result, arguments(), at);
      } else {
        return result;
      }
    }
  }

  /// `| name(arguments)` once, or as often as it comes.
  Expr filterChain(Expr input) {
    Expr result = input;
    while (tokens.isOperator("|")) {
      result = filter(result);
    }
    return result;
  }

  private Expr filter(Expr input) {
    tokens.expectOperator("|");
    return namedFilter(input);
  }

  Expr namedFilter(Expr input) {
    Token name = tokens.expect(Kind.NAME, "the name of a filter");
    if (!Filters.exists(name.text())) {
      throw tokens.error(name.at(), "unknown filter '" + name.text() + "'");
    }
    CallArguments arguments = tokens.isOperator("(") ? arguments() : CallArguments.NONE;
    return new Expr.Filter(input, name.text(), arguments, name.at());
  }

  private Expr test(Expr input) {
    tokens.expectName("is");
    boolean negated = tokens.skipName("not");
    Token name = tokens.expect(Kind.NAME, "the name of a test");
    if (!Tests.exists(name.text())) {
      throw tokens.error(name.at(), "unknown test '" + name.text() + "'");
    }
    CallArguments arguments = CallArguments.NONE;
    if (tokens.isOperator("(")) {
      arguments = arguments();
    } else if (beginsTestArgument()) {
      arguments = new CallArguments(List.of(postfix(primary())), List.of());
    }
    return new Expr.Test(input, name.text(), arguments, negated, name.at());
  }

  private boolean beginsTestArgument() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> {
        if (token.text().equals("is")) {
          throw tokens.error(token.at(), "tests cannot be chained with 'is'");
        }
        yield !Set.of("else", "or", "and").contains(token.text());
      }
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      case DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, END -> false;
    };
  }
}
