package dev.slabstream.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Turns a piece of text into the symbols that merging begins with: one for every byte (byte-level) or character
/// (sentencepiece). Immutable, thread-safe; what a piece needs while it is read lies in the caller's [BytePairMerger].
///
/// A character without a token falls back to its bytes where the vocabulary has them, else to the unknown token, else it is
/// dropped, as in Hugging Face's tokenizers.
final class Symbols {
  private static final int PAGE = 256;

  private final TextForm form;

  /// Ids of the tokens that are one byte (byte-level) or `<0x..>` (sentencepiece); -1 = none.
  private final int[] ofByte;

  /// Ids of the tokens that are one character, in pages by code point; -1 = none.
  private final @Nullable int[][] ofCodePoint;

  private final boolean byteFallback;
  private final int unknown;
  private final boolean fuseUnknown;

  /// @param unknown the id of the unknown token, or -1
  /// @param fuseUnknown unknown characters in a row are one unknown token
  Symbols(Vocabulary vocabulary, boolean byteFallback, int unknown, boolean fuseUnknown) {
    this.form = vocabulary.form();
    this.byteFallback = byteFallback;
    this.unknown = unknown;
    this.fuseUnknown = fuseUnknown;
    this.ofByte = new int[256];
    for (int b = 0; b < 256; b++) {
      ofByte[b] =
          switch (form) {
            case BYTE_LEVEL -> symbol(vocabulary, String.valueOf(TextForm.charOfByte(b)));
            case SENTENCE_PIECE -> byteFallback ? vocabulary.id(TextForm.nameOfByte(b)) : -1;
          };
    }
    this.ofCodePoint = new int[(Character.MAX_CODE_POINT + 1) / PAGE][];
    if (form == TextForm.SENTENCE_PIECE) {
      for (int id = 0; id < vocabulary.size(); id++) {
        String token = vocabulary.token(id);
        if (token != null
            && !token.isEmpty()
            && token.length() == Character.charCount(token.codePointAt(0))
            && !vocabulary.isSpecial(id)) {
          put(token.codePointAt(0), id);
        }
      }
    }
  }

  /// Feeds `text[start, end)` to `merger`; the text has no lone surrogates.
  void feed(String text, int start, int end, BytePairMerger merger) {
    switch (form) {
      case BYTE_LEVEL -> feedBytes(text, start, end, merger);
      case SENTENCE_PIECE -> feedCodePoints(text, start, end, merger);
    }
  }

  private void feedBytes(String text, int start, int end, BytePairMerger merger) {
    boolean afterUnknown = false;
    for (int i = start; i < end; i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        afterUnknown = feed(ofByte[c], afterUnknown, merger);
      } else {
        if (Character.isHighSurrogate((char) c)) {
          c = Character.toCodePoint((char) c, text.charAt(++i));
        }
        for (int byteIndex = Utf8.length(c) - 1; byteIndex >= 0; byteIndex--) {
          afterUnknown = feed(ofByte[Utf8.byteOf(c, byteIndex)], afterUnknown, merger);
        }
      }
    }
  }

  private void feedCodePoints(String text, int start, int end, BytePairMerger merger) {
    boolean afterUnknown = false;
    for (int i = start; i < end; ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      int id = get(c);
      if (id < 0 && byteFallback && hasAllBytes(c)) {
        for (int byteIndex = Utf8.length(c) - 1; byteIndex >= 0; byteIndex--) {
          merger.add(ofByte[Utf8.byteOf(c, byteIndex)]);
        }
        afterUnknown = false;
      } else {
        afterUnknown = feed(id, afterUnknown, merger);
      }
    }
  }

  /// Adds a symbol, or what stands for a missing one.
  ///
  /// @return whether the last symbol is now the unknown token
  private boolean feed(int id, boolean afterUnknown, BytePairMerger merger) {
    if (id >= 0) {
      merger.add(id);
      return false;
    }
    if (unknown >= 0 && !(fuseUnknown && afterUnknown)) {
      merger.add(unknown);
    }
    return unknown >= 0;
  }

  private boolean hasAllBytes(int c) {
    for (int byteIndex = Utf8.length(c) - 1; byteIndex >= 0; byteIndex--) {
      if (ofByte[Utf8.byteOf(c, byteIndex)] < 0) {
        return false;
      }
    }
    return true;
  }

  /// A special token is never made from text.
  private static int symbol(Vocabulary vocabulary, String token) {
    int id = vocabulary.id(token);
    return id >= 0 && vocabulary.isSpecial(id) ? -1 : id;
  }

  private void put(int codePoint, int id) {
    int @Nullable [] page = ofCodePoint[codePoint / PAGE];
    if (page == null) {
      page = new int[PAGE];
      Arrays.fill(page, -1);
      ofCodePoint[codePoint / PAGE] = page;
    }
    page[codePoint % PAGE] = id;
  }

  private int get(int codePoint) {
    int @Nullable [] page = ofCodePoint[codePoint / PAGE];
    return page == null ? -1 : page[codePoint % PAGE];
  }
}
