package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Node.Assignment;
import dev.slabstream.tokenizer.template.Node.Branch;
import dev.slabstream.tokenizer.template.Node.Parameter;
import dev.slabstream.tokenizer.template.Node.Target;
import dev.slabstream.tokenizer.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/// Statements: what stands in `{% %}`, and the text and prints between them.
final class Parser {
  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops;

  private Parser(String source) {
    tokens = new TokenStream(source);
    expressions = new ExpressionParser(tokens);
  }

  /// @param source a normalised template
  /// @throws ChatTemplateException on a syntax error
  static List<Node> parse(String source) {
    Parser parser = new Parser(source);
    List<Node> nodes = parser.body();
    if (parser.tokens.peek().kind() != Kind.END) {
      Token tag = parser.tokens.peekSecond();
      throw parser.tokens.error(tag.at(), "'" + tag.text() + "' without its beginning");
    }
    return nodes;
  }

  /// Nodes up to the end, or up to a tag that cannot begin a statement: the caller knows which it expects. That tag's
  /// `{%` is still to be read.
  private List<Node> body() {
    tokens.enter();
    List<Node> nodes = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      switch (token.kind()) {
        case DATA -> {
          tokens.take();
          nodes.add(new Node.Data(Text.fromTemplate(token.text()), token.at()));
        }
        case PRINT_BEGIN -> {
          tokens.take();
          nodes.add(new Node.Print(expressions.expressions(true), token.at()));
          tokens.expect(Kind.PRINT_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          if (endsBody(tokens.peekSecond())) {
            tokens.leave();
            return nodes;
          }
          tokens.take();
          nodes.add(statement());
        }
        default -> {
          tokens.leave();
          return nodes;
        }
      }
    }
  }

  private static boolean endsBody(Token tag) {
    return tag.kind() == Kind.NAME
        && switch (tag.text()) {
          case "elif",
              "else",
              "endif",
              "endfor",
              "endset",
              "endmacro",
              "endcall",
              "endfilter",
              "endwith",
              "endgeneration" ->
              true;
          default -> false;
        };
  }

  private Node statement() {
    Token tag = tokens.expect(Kind.NAME, "the name of a statement");
    int at = tag.at();
    return switch (tag.text()) {
      case "if" -> conditional(at);
      case "for" -> loop(at);
      case "set" -> set(at);
      case "macro" -> macro(at);
      case "call" -> callBlock(at);
      case "filter" -> filterBlock(at);
      case "with" -> with(at);
      case "generation" -> {
        endTag();
        yield new Node.With(List.of(), bodyUntil("endgeneration", "generation", at), at);
      }
      case "break" -> {
        inLoop(tag);
        endTag();
        yield new Node.Break(at);
      }
      case "continue" -> {
        inLoop(tag);
        endTag();
        yield new Node.Continue(at);
      }
      default -> throw tokens.error(at, "unknown statement '" + tag.text() + "'");
    };
  }

  private void inLoop(Token tag) {
    if (loops == 0) {
      throw tokens.error(tag.at(), "'" + tag.text() + "' outside of a loop");
    }
  }

  private void endTag() {
    tokens.expect(Kind.BLOCK_END, "'%}'");
  }

  private List<Node> bodyUntil(String end, String begin, int beginAt) {
    List<Node> body = body();
    String tag = nextTag(begin, beginAt);
    if (!tag.equals(end)) {
      throw tokens.error(tokens.peekSecond().at(), "expected '" + end + "'; found '" + tag + "'");
    }
    tokens.take();
    tokens.take();
    // As in Jinja, the name may be said again at the end of a macro.
    if (end.equals("endmacro") && tokens.peek().kind() == Kind.NAME) {
      tokens.take();
    }
    endTag();
    return body;
  }

  private String nextTag(String begin, int beginAt) {
    if (tokens.peek().kind() != Kind.BLOCK_BEGIN) {
      throw tokens.error(beginAt, "'" + begin + "' without its end");
    }
    return tokens.peekSecond().text();
  }

  private Node conditional(int at) {
    List<Branch> branches = new ArrayList<>();
    while (true) {
      Expr condition = expressions.expressions(true);
      endTag();
      List<Node> body = body();
      branches.add(new Branch(condition, body));
      String tag = nextTag("if", at);
      if (tag.equals("elif")) {
        tokens.take();
        tokens.take();
      } else if (tag.equals("else")) {
        tokens.take();
        tokens.take();
        endTag();
        return new Node.If(branches, bodyUntil("endif", "if", at), at);
      } else if (tag.equals("endif")) {
        tokens.take();
        tokens.take();
        endTag();
        return new Node.If(branches, List.of(), at);
      } else {
        throw tokens.error(
            tokens.peekSecond().at(), "expected 'elif', 'else' or 'endif'; found '" + tag + "'");
      }
    }
  }

  private Node loop(int at) {
    Target target = target(false);
    tokens.expectName("in");
    Expr iterable = expressions.expressions(false);
    Expr condition = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.isName("recursive")) {
      throw tokens.error(tokens.peek().at(), "recursive loops are not supported");
    }
    endTag();
    loops++;
    List<Node> body = body();
    loops--;
    String tag = nextTag("for", at);
    List<Node> otherwise = List.of();
    if (tag.equals("else")) {
      tokens.take();
      tokens.take();
      endTag();
      otherwise = bodyUntil("endfor", "for", at);
    } else if (tag.equals("endfor")) {
      tokens.take();
      tokens.take();
      endTag();
    } else {
      throw tokens.error(
          tokens.peekSecond().at(), "expected 'else' or 'endfor'; found '" + tag + "'");
    }
    return new Node.For(target, iterable, condition, body, otherwise, at);
  }

  private Node set(int at) {
    Target target = target(true);
    if (tokens.skipOperator("=")) {
      Expr value = expressions.expressions(true);
      endTag();
      return new Node.Set(target, value, at);
    }
    Expr filtered = expressions.filterChain(new Expr.Name(Node.CAPTURED, at));
    endTag();
    return new Node.SetBlock(target, filtered, bodyUntil("endset", "set", at), at);
  }

  private Target target(boolean withMembers) {
    List<Target> targets = new ArrayList<>();
    boolean parenthesised = tokens.skipOperator("(");
    boolean unpacks = parenthesised;
    do {
      if (!targets.isEmpty()
          && (tokens.isName("in") || tokens.isOperator("=") || tokens.isOperator(")"))) {
        unpacks = true;
        break;
      }
      targets.add(singleTarget(withMembers));
      unpacks |= targets.size() > 1;
    } while (tokens.skipOperator(","));
    if (parenthesised) {
      tokens.expectOperator(")");
    }
    return unpacks ? new Target.Unpacked(targets) : targets.getFirst();
  }

  private Target singleTarget(boolean withMembers) {
    if (tokens.isOperator("(")) {
      tokens.enter();
      Target target = target(withMembers);
      tokens.leave();
      return target;
    }
    int at = tokens.peek().at();
    String name = tokens.expectName();
    if (withMembers && tokens.skipOperator(".")) {
      return new Target.Member(name, tokens.expectName());
    }
    switch (name) {
      case "true", "True", "false", "False", "none", "None" ->
          throw tokens.error(at, "cannot assign to '" + name + "'");
      default -> {
        return new Target.Variable(name);
      }
    }
  }

  private List<Parameter> parameters() {
    List<Parameter> parameters = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      int at = tokens.peek().at();
      String name = tokens.expectName();
      Expr absent = tokens.skipOperator("=") ? expressions.expression() : null;
      if (absent == null && !parameters.isEmpty() && parameters.getLast().absent() != null) {
        throw tokens.error(
            at, "the parameter '" + name + "' has no default, but the one before has");
      }
      parameters.add(new Parameter(name, absent));
      if (!tokens.isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return parameters;
  }

  private Node macro(int at) {
    String name = tokens.expectName();
    List<Parameter> parameters = parameters();
    endTag();
    return new Node.Macro(name, parameters, detachedBody("endmacro", "macro", at), at);
  }

  private Node callBlock(int at) {
    List<Parameter> parameters = tokens.isOperator("(") ? parameters() : List.of();
    if (!(expressions.expression() instanceof Expr.Call call)) {
      throw tokens.error(at, "expected a call");
    }
    endTag();
    return new Node.CallBlock(call, parameters, detachedBody("endcall", "call", at), at);
  }

  /// The body of what is called later: a loop around it is not a loop of its own.
  private List<Node> detachedBody(String end, String begin, int at) {
    int outerLoops = loops;
    loops = 0;
    List<Node> body = bodyUntil(end, begin, at);
    loops = outerLoops;
    return body;
  }

  private Node filterBlock(int at) {
    Expr filtered =
        expressions.filterChain(expressions.namedFilter(new Expr.Name(Node.CAPTURED, at)));
    endTag();
    return new Node.FilterBlock(filtered, bodyUntil("endfilter", "filter", at), at);
  }

  private Node with(int at) {
    List<Assignment> assignments = new ArrayList<>();
    while (tokens.peek().kind() != Kind.BLOCK_END) {
      Target target = singleTarget(false);
      tokens.expectOperator("=");
      assignments.add(new Assignment(target, expressions.expression()));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    endTag();
    return new Node.With(assignments, bodyUntil("endwith", "with", at), at);
  }
}
