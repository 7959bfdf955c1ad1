package dev.slabstream.cli;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.slabstream.kvcache.SlabMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;

/// How fast memory can be read here: the ceiling of generation, which reads all weights for every
/// token.
final class MemoryProbe {
  /// More than any cache holds.
  private static final long BYTES = 256L << 20;

  private static final int PASSES = 8;

  /// Short enough for an `int` loop, which the compiler turns into vector code, and long enough to
  /// hide the calls.
  private static final int RUN_LONGS = 1 << 16;

  private MemoryProbe() {}

  /// The best of some passes in which `threads` threads add up memory that they share out, in 10^9
  /// bytes per second.
  static double gigabytesPerSecond(int threads) {
    try (SlabMemory memory = SlabMemory.plain(BYTES)) {
      long best = Long.MAX_VALUE;
      for (int pass = 0; pass < PASSES; pass++) {
        best = Math.min(best, passNanos(memory.segment(), threads));
      }
      return (double) BYTES / best;
    }
  }

  private static long passNanos(MemorySegment segment, int threads) {
    long[] sums = new long[threads];
    CountDownLatch done = new CountDownLatch(threads);
    long share = BYTES / Long.BYTES / threads;
    long start = System.nanoTime();
    for (int t = 0; t < threads; t++) {
      int thread = t;
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                sums[thread] = sum(segment, thread * share, (thread + 1) * share);
                done.countDown();
              });
    }
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while measuring", e);
    }
    long nanos = System.nanoTime() - start;
    for (long sum : sums) {
      // The memory is zeros. Asked for, so that nobody optimises the reading away.
      if (sum != 0) {
        throw new IllegalStateException("memory that was never written holds numbers");
      }
    }
    return nanos;
  }

  private static long sum(MemorySegment segment, long from, long to) {
    long sum = 0;
    for (long start = from; start < to; start += RUN_LONGS) {
      sum += sumOfRun(segment, start, (int) Math.min(RUN_LONGS, to - start));
    }
    return sum;
  }

  private static long sumOfRun(MemorySegment segment, long from, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += segment.getAtIndex(JAVA_LONG, from + i);
    }
    return sum;
  }
}
