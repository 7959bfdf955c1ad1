package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TokenizerThreadsTest {
  private final AtomicLong nanos = new AtomicLong(5);
  private final TokenizerThreads threads = new TokenizerThreads(1, nanos::get);

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  /// A prompt that takes until the latch opens.
  private CountDownLatch begin() throws InterruptedException {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    threads.execute(
        () -> {
          inside.countDown();
          awaitQuietly(end);
        });
    assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
    return end;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whoIsIdleOwesNoSignOfLife() throws InterruptedException {
    pass(Duration.ofHours(1));
    assertThat(threads.silence()).isZero();
    begin().countDown();
    threads.shutdown();
    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    pass(Duration.ofHours(1));
    assertThat(threads.silence()).isZero();
  }

  @Test
  void onePromptThatDoesNotEndIsSilence() throws InterruptedException {
    CountDownLatch end = begin();
    pass(Duration.ofSeconds(61));
    assertThat(threads.silence()).isEqualTo(Duration.ofSeconds(61));
    end.countDown();
  }

  @Test
  void eachPromptOfManyIsASignOfLife() throws InterruptedException {
    CountDownLatch previous = begin();
    for (int i = 0; i < 10; i++) {
      pass(Duration.ofSeconds(50));
      assertThat(threads.silence()).isEqualTo(Duration.ofSeconds(50));
      previous.countDown();
      previous = begin();
      assertThat(threads.silence()).isZero();
    }
    previous.countDown();
  }

  @Test
  void aPromptThatThrowsHasEnded() throws InterruptedException {
    CountDownLatch ran = new CountDownLatch(1);
    threads.submit(
        () -> {
          ran.countDown();
          throw new IllegalStateException("on purpose");
        });
    assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
    threads.shutdown();
    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    pass(Duration.ofSeconds(61));
    assertThat(threads.silence()).isZero();
  }
}
