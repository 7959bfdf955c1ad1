package dev.slabstream.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The merges of a sentencepiece vocabulary, which has scores in their place: two tokens merge when together they are a token,
/// and the higher its score, the earlier. This is how Hugging Face's converter makes merges of such a vocabulary, ties included:
/// the longer left part first, then the longer right one, then the lower ids.
final class ScoredMerges {
  /// A longer piece is never cut into all its pairs, so that a file cannot make loading quadratic.
  private static final int MAX_TOKEN_CHARS = 512;

  private record Merge(int left, int right, int leftLength, int rightLength, int whole) {}

  private ScoredMerges() {}

  static MergeTable of(Vocabulary vocabulary, float[] scores) {
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      String token = vocabulary.token(id);
      if (token != null && vocabulary.kind(id) == TokenKind.NORMAL) {
        collect(vocabulary, id, token, merges);
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -scores[merge.whole])
            .thenComparing(Comparator.comparingInt(Merge::leftLength).reversed())
            .thenComparing(Comparator.comparingInt(Merge::rightLength).reversed())
            .thenComparingInt(Merge::whole)
            .thenComparingInt(Merge::left)
            .thenComparingInt(Merge::right));
    MergeTable table = new MergeTable(merges.size());
    for (int rank = 0; rank < merges.size(); rank++) {
      Merge merge = merges.get(rank);
      table.put(merge.left, merge.right, rank, merge.whole);
    }
    return table;
  }

  private static void collect(Vocabulary vocabulary, int id, String token, List<Merge> merges) {
    if (token.length() > MAX_TOKEN_CHARS) {
      throw new MalformedTokenizerException(
          "tokenizer.ggml.tokens[" + id + "]",
          "a token of at most " + MAX_TOKEN_CHARS + " characters",
          String.valueOf(token.length()));
    }
    for (int cut = 1; cut < token.length(); cut++) {
      int left = normal(vocabulary, token.substring(0, cut));
      if (left >= 0) {
        int right = normal(vocabulary, token.substring(cut));
        if (right >= 0) {
          merges.add(
              new Merge(
                  left,
                  right,
                  token.codePointCount(0, cut),
                  token.codePointCount(cut, token.length()),
                  id));
        }
      }
    }
  }

  private static int normal(Vocabulary vocabulary, String token) {
    int id = vocabulary.id(token);
    return id >= 0 && vocabulary.kind(id) == TokenKind.NORMAL ? id : -1;
  }
}
