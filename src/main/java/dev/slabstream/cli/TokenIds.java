package dev.slabstream.cli;

import java.util.Arrays;
import java.util.List;

/// Token ids on the command line: separated by commas, spaces or both, in brackets or not, so that
/// a list copied out of JSON is one.
final class TokenIds {
  private TokenIds() {}

  /// @throws CliException when something is no id of a vocabulary of that size
  static int[] parse(String text, int vocabSize) {
    return Arrays.stream(text.split("[\\s,\\[\\]]+"))
        .filter(part -> !part.isEmpty())
        .mapToInt(part -> id(part, vocabSize))
        .toArray();
  }

  private static int id(String text, int vocabSize) {
    try {
      int id = Integer.parseInt(text);
      if (id >= 0 && id < vocabSize) {
        return id;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new CliException(
        CliException.USAGE, "a token id must be from 0 to " + (vocabSize - 1) + "; got " + text);
  }

  static List<Integer> list(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
