package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// A tokenizer that a test can hold up, or let fail.
final class BlockableTokenizer extends DelegatingTokenizer {
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private final CountDownLatch entered = new CountDownLatch(1);
  private volatile @Nullable Error failure;

  BlockableTokenizer(Tokenizer tokenizer) {
    super(tokenizer);
  }

  void block() {
    gate = new CountDownLatch(1);
  }

  void release() {
    gate.countDown();
  }

  void failWith(Error failure) {
    this.failure = failure;
  }

  /// Whether a thread is or was inside.
  boolean wasEntered() {
    return entered.getCount() == 0;
  }

  /// Waits until a thread is inside.
  void awaitEntered() {
    await(entered);
  }

  @Override
  public int[] encode(String text, SpecialTokens specialTokens) {
    entered.countDown();
    await(gate);
    Error failing = failure;
    if (failing != null) {
      throw failing;
    }
    return super.encode(text, specialTokens);
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(20, TimeUnit.SECONDS)) {
        throw new AssertionError("held up for more than 20 s");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
