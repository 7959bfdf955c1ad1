package dev.slabstream.generation;

import dev.slabstream.tokenizer.StreamDecoder;
import dev.slabstream.tokenizer.Tokenizer;
import java.util.Optional;
import java.util.OptionalInt;

/// Does as another tokenizer does, but where a test overrides it.
class DelegatingTokenizer implements Tokenizer {
  private final Tokenizer tokenizer;

  DelegatingTokenizer(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  @Override
  public int[] encode(String text, SpecialTokens specialTokens) {
    return tokenizer.encode(text, specialTokens);
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    return tokenizer.decode(ids, skipSpecial);
  }

  @Override
  public byte[] tokenBytes(int id) {
    return tokenizer.tokenBytes(id);
  }

  @Override
  public Optional<String> token(int id) {
    return tokenizer.token(id);
  }

  @Override
  public OptionalInt tokenId(String token) {
    return tokenizer.tokenId(token);
  }

  @Override
  public boolean isSpecial(int id) {
    return tokenizer.isSpecial(id);
  }

  @Override
  public int vocabSize() {
    return tokenizer.vocabSize();
  }

  @Override
  public OptionalInt bosId() {
    return tokenizer.bosId();
  }

  @Override
  public StreamDecoder streamDecoder(boolean skipSpecial) {
    return tokenizer.streamDecoder(skipSpecial);
  }

  @Override
  public void close() {}
}
