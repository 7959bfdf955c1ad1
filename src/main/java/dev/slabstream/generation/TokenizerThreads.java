package dev.slabstream.generation;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The threads that turn prompts into ids, behind a queue; how long that is, the admission gate says.
/// They give a sign of life with every prompt that they begin and end.
final class TokenizerThreads extends ThreadPoolExecutor {
  private final LongSupplier nanoClock;

  /// When each thread that is at a prompt began with it.
  private final Map<Thread, Long> begunNanos = new ConcurrentHashMap<>();

  TokenizerThreads(int threads, LongSupplier nanoClock) {
    super(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        new LinkedBlockingQueue<>(),
        Thread.ofPlatform().name("tokenizer-", 0).daemon().factory());
    this.nanoClock = nanoClock;
    // Now, and not with the first requests: a thread needs native memory, and that may be gone
    // then.
    prestartAllCoreThreads();
  }

  /// How long the longest has been at one prompt; zero while there is none.
  Duration silence() {
    long now = nanoClock.getAsLong();
    return Duration.ofNanos(
        begunNanos.values().stream().mapToLong(begun -> Math.max(0, now - begun)).max().orElse(0));
  }

  @Override
  protected void beforeExecute(Thread thread, Runnable prompt) {
    begunNanos.put(thread, nanoClock.getAsLong());
  }

  @Override
  protected void afterExecute(Runnable prompt, @Nullable Throwable failure) {
    begunNanos.remove(Thread.currentThread());
  }
}
