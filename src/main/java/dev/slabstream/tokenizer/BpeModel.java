package dev.slabstream.tokenizer;

/// Encodes pieces of text by byte-pair encoding. Immutable, thread-safe.
///
/// @param ignoreMerges a piece that is itself a token is taken whole, whatever the merges would make of it
record BpeModel(Vocabulary vocabulary, Symbols symbols, MergeTable merges, boolean ignoreMerges) {

  /// One encoding of one text, with its scratch memory. One thread.
  final class Encoding {
    private final IntList ids;
    private final BytePairMerger merger = new BytePairMerger(merges);
    private final StringBuilder written = new StringBuilder();

    Encoding(IntList ids) {
      this.ids = ids;
    }

    /// Appends the tokens of the piece `text[start, end)`.
    void piece(String text, int start, int end) {
      if (ignoreMerges) {
        int whole = wholeToken(text, start, end);
        if (whole >= 0) {
          ids.add(whole);
          return;
        }
      }
      merger.clear();
      symbols.feed(text, start, end, merger);
      merger.mergeInto(ids);
    }

    /// The normal token that is written like the piece, or -1.
    private int wholeToken(String text, int start, int end) {
      if (end - start > Vocabulary.MAX_TOKEN_CHARS) {
        return -1;
      }
      int id =
          vocabulary.id(
              switch (vocabulary.form()) {
                case SENTENCE_PIECE -> text.substring(start, end);
                case BYTE_LEVEL -> byteLevel(text, start, end);
              });
      return id >= 0 && vocabulary.kind(id) == TokenKind.NORMAL ? id : -1;
    }

    private String byteLevel(String text, int start, int end) {
      written.setLength(0);
      for (int i = start; i < end; ) {
        int c = text.codePointAt(i);
        i += Character.charCount(c);
        for (int byteIndex = Utf8.length(c) - 1; byteIndex >= 0; byteIndex--) {
          written.append(TextForm.charOfByte(Utf8.byteOf(c, byteIndex)));
        }
      }
      return written.toString();
    }
  }
}
