package dev.slabstream.tokenizer.template;

import java.util.List;

/// What an expression of a template is worth. The set is closed: a template reaches nothing else of the JVM.
sealed interface Value
    permits Value.Undefined,
        Value.None,
        Value.Bool,
        Value.Int,
        Value.Real,
        Value.Sequence,
        Value.Function,
        Text,
        Dict,
        Namespace,
        Loop {
  /// A name, attribute or element that does not exist. Prints as nothing; most uses fail with `message`.
  record Undefined(String message) implements Value {}

  enum None implements Value {
    NONE
  }

  record Bool(boolean value) implements Value {
    static final Bool TRUE = new Bool(true);
    static final Bool FALSE = new Bool(false);

    static Bool of(boolean value) {
      return value ? TRUE : FALSE;
    }
  }

  /// Python's int, as far as a long goes; what passes it fails.
  record Int(long value) implements Value {}

  /// Python's float.
  record Real(double value) implements Value {}

  /// Anything that is iterated in order.
  record Sequence(Kind kind, List<Value> items) implements Value {
    enum Kind {
      LIST,
      TUPLE,
      /// `dict.keys()` and its like: a size but no elements to index.
      VIEW,
      /// What lazy filters give: neither size nor index, and true even when empty. Unlike Python's it can be iterated again.
      GENERATOR
    }

    static Sequence list(List<Value> items) {
      return new Sequence(Kind.LIST, items);
    }

    static Sequence tuple(Value... items) {
      return new Sequence(Kind.TUPLE, List.of(items));
    }

    static Sequence view(List<Value> items) {
      return new Sequence(Kind.VIEW, items);
    }

    static Sequence generator(List<Value> items) {
      return new Sequence(Kind.GENERATOR, items);
    }
  }

  /// Something that can be called: a macro, a global, a method bound to its object.
  record Function(String name, Body body) implements Value {
    @FunctionalInterface
    interface Body {
      Value call(Arguments arguments);
    }
  }
}
