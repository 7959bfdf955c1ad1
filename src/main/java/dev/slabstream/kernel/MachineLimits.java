package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/// What the machine gives at most to so many threads: the ceiling of decode, which reads all weights for every token, and that of
/// prefill, which multiplies each weight with many tokens.
///
/// @param memoryGigabytesPerSecond bytes read per nanosecond, from memory that lies as the packed weights do
/// @param fmaGigaflops operations per nanosecond of fused multiply-adds in registers, at the backend's vector width; a multiply-add
///     counts as two
/// @param medianMemoryGigabytesPerSecond what half of the passes reached: much less on a machine that is busy, and then even the best
///     pass may not be the machine's limit
/// @param medianFmaGigaflops likewise
public record MachineLimits(
    double memoryGigabytesPerSecond,
    double fmaGigaflops,
    double medianMemoryGigabytesPerSecond,
    double medianFmaGigaflops) {
  /// More than the caches of most machines hold.
  private static final int MEMORY_BYTES = 256 << 20;

  /// Short enough for an `int` loop, which the compiler turns into vector code, and long enough to hide the calls.
  private static final int RUN_LONGS = 1 << 19;

  private static final int MEMORY_RUNS = MEMORY_BYTES / (RUN_LONGS * Long.BYTES);

  private static final int FMA_STEPS = 1 << 14;
  private static final int FMA_RUNS_PER_PROCESSOR = 64;

  /// Passes of each kind, in turn: over so long a time that neither a busy neighbour nor the compiler spoils all of one kind.
  private static final int PASSES = 60;

  /// Fewer passes will do where threads outnumber processors, or others use them: each takes long then.
  private static final int LEAST_PASSES = 5;

  private static final long ENOUGH_NANOS = TimeUnit.SECONDS.toNanos(2);

  /// Measures both, in a second or two: the best of the passes, since whatever else runs on the machine can only slow them down.
  /// Starts and ends threads of its own; call it while no kernel computes.
  ///
  /// @param info the backend whose threads and width count; of the ND4J backend, whose width is not known, the machine's widest
  public static MachineLimits measure(KernelInfo info) {
    PanelMath math = KernelChoice.mathOf(info);
    try (WorkerPool pool = new WorkerPool(info.threads());
        WeightMemory memory = new WeightMemory()) {
      MemorySegment segment = memory.allocate(MEMORY_BYTES);
      // Pages never written would all be the same page of zeros, which a cache holds.
      pool.run(MEMORY_RUNS, 1, (from, to, _) -> writeRuns(segment, from, to));
      long[] memoryNanos = new long[PASSES];
      long[] fmaNanos = new long[PASSES];
      long start = System.nanoTime();
      int passes = 0;
      while (passes < LEAST_PASSES || passes < PASSES && System.nanoTime() - start < ENOUGH_NANOS) {
        memoryNanos[passes] = memoryPass(pool, segment);
        fmaNanos[passes] = fmaPass(pool, math);
        passes++;
      }
      Arrays.sort(memoryNanos, 0, passes);
      Arrays.sort(fmaNanos, 0, passes);
      int lanes = Math.max(1, math.vectorBits() / Float.SIZE);
      double flops = 2.0 * fmaRuns(pool) * FMA_STEPS * PanelMath.FMA_CHAINS * lanes;
      return new MachineLimits(
          (double) MEMORY_BYTES / memoryNanos[0],
          flops / fmaNanos[0],
          (double) MEMORY_BYTES / memoryNanos[passes / 2],
          flops / fmaNanos[passes / 2]);
    }
  }

  private static long memoryPass(WorkerPool pool, MemorySegment segment) {
    LongAdder sum = new LongAdder();
    long start = System.nanoTime();
    pool.run(MEMORY_RUNS, 1, (from, to, _) -> sum.add(sumOfRuns(segment, from, to)));
    long nanos = System.nanoTime() - start;
    // Asked for, so that nobody optimises the reading away.
    if (sum.sum() != MEMORY_BYTES / Long.BYTES) {
      throw new IllegalStateException("memory does not hold what was written: sum " + sum);
    }
    return nanos;
  }

  private static long fmaPass(WorkerPool pool, PanelMath math) {
    DoubleAdder sum = new DoubleAdder();
    long start = System.nanoTime();
    pool.run(
        fmaRuns(pool),
        1,
        (from, to, _) -> {
          for (int run = from; run < to; run++) {
            sum.add(math.fmaChains(FMA_STEPS));
          }
        });
    long nanos = System.nanoTime() - start;
    // Each chain has long come to 2.
    if (sum.sum() != 2.0 * fmaRuns(pool) * PanelMath.FMA_CHAINS) {
      throw new IllegalStateException("multiply-adds gave " + sum);
    }
    return nanos;
  }

  /// By processors rather than by threads where there are fewer of them: the work does not grow with threads that only take turns.
  private static int fmaRuns(WorkerPool pool) {
    return Math.min(pool.threads(), Runtime.getRuntime().availableProcessors())
        * FMA_RUNS_PER_PROCESSOR;
  }

  private static void writeRuns(MemorySegment segment, int from, int to) {
    for (long i = (long) from * RUN_LONGS; i < (long) to * RUN_LONGS; i++) {
      segment.setAtIndex(JAVA_LONG, i, 1);
    }
  }

  private static long sumOfRuns(MemorySegment segment, int from, int to) {
    long sum = 0;
    for (int run = from; run < to; run++) {
      sum += sumOfRun(segment, (long) run * RUN_LONGS);
    }
    return sum;
  }

  private static long sumOfRun(MemorySegment segment, long from) {
    long sum = 0;
    for (int i = 0; i < RUN_LONGS; i++) {
      sum += segment.getAtIndex(JAVA_LONG, from + i);
    }
    return sum;
  }
}
