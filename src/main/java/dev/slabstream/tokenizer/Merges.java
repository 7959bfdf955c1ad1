package dev.slabstream.tokenizer;

import java.util.function.Supplier;

/// Reads the merges of a file into a table and checks each.
final class Merges {
  private final Vocabulary vocabulary;
  private final MergeTable table;
  private int rank;

  Merges(Vocabulary vocabulary, int numMerges) {
    this.vocabulary = vocabulary;
    this.table = new MergeTable(numMerges);
  }

  /// Adds a merge written as `left right`.
  ///
  /// @param where where the file says so; asked only for an error
  void addJoined(Supplier<String> where, String merge) {
    int space = merge.indexOf(' ');
    if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
      throw new MalformedTokenizerException(
          where.get(), "two tokens with one space between them", "`" + merge + "`");
    }
    add(where, merge.substring(0, space), merge.substring(space + 1));
  }

  void add(Supplier<String> where, String left, String right) {
    table.put(id(where, left), id(where, right), rank++, id(where, left + right));
  }

  MergeTable table() {
    return table;
  }

  private int id(Supplier<String> where, String token) {
    int id = vocabulary.id(token);
    if (id < 0) {
      throw new MalformedTokenizerException(
          where.get(), "tokens of the vocabulary", "`" + token + "`, which is none");
    }
    return id;
  }
}
