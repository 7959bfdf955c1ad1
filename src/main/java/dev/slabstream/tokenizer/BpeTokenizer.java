package dev.slabstream.tokenizer;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// The tokenizer of a byte-pair encoding: added tokens are cut out, what lies between is normalised, split and merged.
final class BpeTokenizer implements Tokenizer {
  private final BpeModel model;
  private final Vocabulary vocabulary;
  private final Normalizer normalizer;
  private final PreTokenizer preTokenizer;
  private final AddedTokens addedTokens;
  private final int vocabSize;
  private final int bosId;

  BpeTokenizer(
      BpeModel model,
      Normalizer normalizer,
      PreTokenizer preTokenizer,
      AddedTokens addedTokens,
      int vocabSize,
      int bosId) {
    this.model = model;
    this.vocabulary = model.vocabulary();
    this.normalizer = normalizer;
    this.preTokenizer = preTokenizer;
    this.addedTokens = addedTokens;
    this.vocabSize = vocabSize;
    this.bosId = bosId;
  }

  @Override
  public int[] encode(String text, SpecialTokens specialTokens) {
    return encode(List.of(new Part(text, specialTokens)));
  }

  @Override
  public int[] encode(List<Part> parts) {
    Encoder encoder = new Encoder(parts.stream().mapToInt(part -> part.text().length()).sum());
    StringBuilder recognised = new StringBuilder();
    for (Part part : parts) {
      switch (part.specialTokens()) {
        case RECOGNISED -> recognised.append(part.text());
        case AS_TEXT -> {
          encoder.recognise(recognised.toString());
          recognised.setLength(0);
          encoder.text(part.text());
        }
      }
    }
    encoder.recognise(recognised.toString());
    return encoder.finish();
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    StringBuilder text = new StringBuilder(ids.length * 4);
    Utf8Decoder utf8 = new Utf8Decoder();
    for (int id : ids) {
      if (!(isSpecial(id) && skipSpecial)) {
        vocabulary.decode(id, utf8, text);
      }
    }
    utf8.finish(text);
    return text.toString();
  }

  @Override
  public byte[] tokenBytes(int id) {
    return vocabulary.bytes(check(id));
  }

  @Override
  public Optional<String> token(int id) {
    return Optional.ofNullable(vocabulary.token(check(id)));
  }

  @Override
  public OptionalInt tokenId(String token) {
    int id = vocabulary.id(token);
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(check(id));
  }

  @Override
  public int vocabSize() {
    return vocabSize;
  }

  @Override
  public OptionalInt bosId() {
    return bosId < 0 ? OptionalInt.empty() : OptionalInt.of(bosId);
  }

  @Override
  public StreamDecoder streamDecoder(boolean skipSpecial) {
    return new VocabularyStreamDecoder(vocabulary, vocabSize, skipSpecial);
  }

  @Override
  public void close() {}

  private int check(int id) {
    return Vocabulary.check(id, vocabSize);
  }

  /// One call of `encode`: collects text until an added token ends it.
  private final class Encoder {
    private final IntList ids;
    private final BpeModel.Encoding pieces;
    private final StringBuilder pending = new StringBuilder();
    private boolean first = true;

    Encoder(int chars) {
      ids = new IntList(chars / 3);
      pieces = model.new Encoding(ids);
    }

    void text(String text) {
      pending.append(text);
    }

    void recognise(String text) {
      int from = 0;
      while (true) {
        AddedTokens.@Nullable Match match = addedTokens.find(text, from);
        if (match == null) {
          pending.append(text, from, text.length());
          return;
        }
        pending.append(text, from, match.start());
        flush();
        ids.add(match.id());
        first = false;
        from = match.end();
      }
    }

    int[] finish() {
      flush();
      return ids.toArray();
    }

    private void flush() {
      if (pending.isEmpty()) {
        return;
      }
      String text = normalizer.normalize(Surrogates.replaceLone(pending.toString()), first);
      pending.setLength(0);
      first = false;
      preTokenizer.split(text, 0, text.length(), (start, end) -> pieces.piece(text, start, end));
    }
  }
}
