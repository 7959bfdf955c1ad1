package dev.slabstream.generation;

import dev.slabstream.tokenizer.StreamDecoder;
import dev.slabstream.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/// A tokenizer with a fault in it for prompts that begin with [#MARK], when a test says so; others never
/// notice.
public final class FaultyTokenizer extends DelegatingTokenizer {
  public static final String MARK = "!fault ";

  /// Where it is thrown.
  public enum Where {
    /// Text to ids, on the tokenizer's thread.
    ENCODE,
    /// The decoder of the answer is made, on the tokenizer's thread.
    DECODER,
    /// The fourth token to text, on the engine's thread.
    TOKEN,
    /// The end of the text, on the engine's thread.
    END
  }

  /// An encoded prompt's decoder is made on the same thread, next.
  private final ThreadLocal<Boolean> marked = ThreadLocal.withInitial(() -> false);

  private volatile @Nullable Where where;
  private volatile Throwable thrown = new IllegalStateException("injected");
  private volatile Runnable beforeEncode = () -> {};

  public FaultyTokenizer(Tokenizer tokenizer) {
    super(tokenizer);
  }

  public void fail(Where where, Throwable thrown) {
    this.thrown = thrown;
    this.where = where;
  }

  /// From now on this happens before a prompt is encoded, on the thread that does it.
  public void beforeEncode(Runnable action) {
    beforeEncode = action;
  }

  private void failIf(boolean isMarked, Where here) {
    if (isMarked && where == here) {
      throw FaultyTokenizer.<RuntimeException>sneaky(thrown);
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T sneaky(Throwable e) throws T {
    throw (T) e;
  }

  @Override
  public int[] encode(String text, SpecialTokens specialTokens) {
    beforeEncode.run();
    marked.set(text.startsWith(MARK));
    failIf(marked.get(), Where.ENCODE);
    return super.encode(text, specialTokens);
  }

  @Override
  public StreamDecoder streamDecoder(boolean skipSpecial) {
    boolean isMarked = marked.get();
    failIf(isMarked, Where.DECODER);
    StreamDecoder real = super.streamDecoder(skipSpecial);
    return new StreamDecoder() {
      private int tokens;

      @Override
      public String next(int id) {
        failIf(isMarked && ++tokens == 4, Where.TOKEN);
        return real.next(id);
      }

      @Override
      public boolean holdsBack() {
        return real.holdsBack();
      }

      @Override
      public String finish() {
        failIf(isMarked, Where.END);
        return real.finish();
      }
    };
  }
}
