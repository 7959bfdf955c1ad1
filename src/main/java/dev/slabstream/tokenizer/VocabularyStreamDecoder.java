package dev.slabstream.tokenizer;

/// The detokenizer over a [Vocabulary].
final class VocabularyStreamDecoder implements StreamDecoder {
  private final Vocabulary vocabulary;
  private final int vocabSize;
  private final boolean skipSpecial;
  private final Utf8Decoder utf8 = new Utf8Decoder();
  private final StringBuilder text = new StringBuilder();

  VocabularyStreamDecoder(Vocabulary vocabulary, int vocabSize, boolean skipSpecial) {
    this.vocabulary = vocabulary;
    this.vocabSize = vocabSize;
    this.skipSpecial = skipSpecial;
  }

  @Override
  public String next(int id) {
    Vocabulary.check(id, vocabSize);
    if (!(skipSpecial && vocabulary.isSpecial(id))) {
      vocabulary.decode(id, utf8, text);
    }
    return take();
  }

  @Override
  public boolean holdsBack() {
    return utf8.isUnfinished();
  }

  @Override
  public String finish() {
    utf8.finish(text);
    return take();
  }

  private String take() {
    if (text.isEmpty()) {
      return "";
    }
    String piece = text.toString();
    text.setLength(0);
    return piece;
  }
}
