package dev.slabstream.tokenizer.template;

/// A token of a template.
///
/// @param text DATA: the characters; NAME, OPERATOR: as written; STRING: the value; INTEGER, FLOAT: without underscores
/// @param at its offset in the normalised source
record Token(Kind kind, String text, int at) {
  enum Kind {
    DATA,
    PRINT_BEGIN,
    PRINT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind expected, String expectedText) {
    return kind == expected && text.equals(expectedText);
  }

  String describe() {
    return switch (kind) {
      case DATA -> "text";
      case PRINT_BEGIN -> "'{{'";
      case PRINT_END -> "'}}'";
      case BLOCK_BEGIN -> "'{%'";
      case BLOCK_END -> "'%}'";
      case STRING -> "a string";
      case END -> "the end of the template";
      case NAME, INTEGER, FLOAT, OPERATOR -> "'" + text + "'";
    };
  }
}
