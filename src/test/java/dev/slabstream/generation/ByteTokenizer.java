package dev.slabstream.generation;

import dev.slabstream.tokenizer.StreamDecoder;
import dev.slabstream.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// A tokenizer to test with: ids 0..255 are bytes, then come longer tokens, then special ones. The
/// longest token wins, from the left.
final class ByteTokenizer implements Tokenizer {
  private final List<byte[]> vocabulary = new ArrayList<>();
  private final int firstSpecial;
  private final OptionalInt bos;

  /// @param bos the index in `specials` of the token that prompts begin with
  ByteTokenizer(List<byte[]> longer, List<String> specials, OptionalInt bos) {
    for (int b = 0; b < 256; b++) {
      vocabulary.add(new byte[] {(byte) b});
    }
    vocabulary.addAll(longer);
    this.firstSpecial = vocabulary.size();
    specials.forEach(special -> vocabulary.add(special.getBytes(StandardCharsets.UTF_8)));
    this.bos = bos.isEmpty() ? bos : OptionalInt.of(firstSpecial + bos.getAsInt());
  }

  static ByteTokenizer withSpecials(String... specials) {
    return new ByteTokenizer(List.of(), List.of(specials), OptionalInt.empty());
  }

  int special(int index) {
    return firstSpecial + index;
  }

  @Override
  public int[] encode(String text, SpecialTokens specialTokens) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int known = specialTokens == SpecialTokens.RECOGNISED ? vocabulary.size() : firstSpecial;
    IntStream.Builder ids = IntStream.builder();
    for (int at = 0; at < bytes.length; ) {
      int best = bytes[at] & 0xFF;
      for (int id = 256; id < known; id++) {
        if (vocabulary.get(id).length > vocabulary.get(best).length && startsAt(bytes, at, id)) {
          best = id;
        }
      }
      ids.add(best);
      at += vocabulary.get(best).length;
    }
    return ids.build().toArray();
  }

  private boolean startsAt(byte[] bytes, int at, int id) {
    byte[] token = vocabulary.get(id);
    return at + token.length <= bytes.length
        && Arrays.equals(token, Arrays.copyOfRange(bytes, at, at + token.length));
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      if (!skipSpecial || !isSpecial(id)) {
        bytes.writeBytes(vocabulary.get(id));
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] tokenBytes(int id) {
    return vocabulary.get(id).clone();
  }

  @Override
  public Optional<String> token(int id) {
    return Optional.of(new String(vocabulary.get(id), StandardCharsets.UTF_8));
  }

  @Override
  public OptionalInt tokenId(String token) {
    byte[] bytes = token.getBytes(StandardCharsets.UTF_8);
    return IntStream.range(0, vocabulary.size())
        .filter(id -> Arrays.equals(vocabulary.get(id), bytes))
        .findFirst();
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= firstSpecial;
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public OptionalInt bosId() {
    return bos;
  }

  @Override
  public StreamDecoder streamDecoder(boolean skipSpecial) {
    return new StreamDecoder() {
      private byte[] pending = new byte[0];

      @Override
      public String next(int id) {
        byte[] more = skipSpecial && isSpecial(id) ? new byte[0] : vocabulary.get(id);
        byte[] all = Arrays.copyOf(pending, pending.length + more.length);
        System.arraycopy(more, 0, all, pending.length, more.length);
        int whole = all.length - incompleteAtEnd(all);
        pending = Arrays.copyOfRange(all, whole, all.length);
        return new String(all, 0, whole, StandardCharsets.UTF_8);
      }

      @Override
      public boolean holdsBack() {
        return pending.length > 0;
      }

      @Override
      public String finish() {
        return new String(pending, StandardCharsets.UTF_8);
      }
    };
  }

  /// Bytes at the end that further bytes could make a character: then decoding them alone gives one
  /// replacement, and decoding them with some continuation gives one character that is none.
  private static int incompleteAtEnd(byte[] bytes) {
    for (int length = Math.min(3, bytes.length); length >= 1; length--) {
      byte[] end = Arrays.copyOfRange(bytes, bytes.length - length, bytes.length);
      int lead = end[0] & 0xFF;
      int needed =
          lead >= 0xF0 && lead <= 0xF4
              ? 4
              : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC2 && lead < 0xE0 ? 2 : 1;
      if (needed > length && isPrefixOfCharacter(end, needed)) {
        return length;
      }
    }
    return 0;
  }

  private static boolean isPrefixOfCharacter(byte[] start, int needed) {
    for (int second = 0x80; second < 0xC0; second++) {
      byte[] whole = Arrays.copyOf(start, needed);
      for (int i = start.length; i < needed; i++) {
        whole[i] = (byte) (i == 1 ? second : 0x80);
      }
      if (!new String(whole, StandardCharsets.UTF_8).contains("\uFFFD")) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {}
}
