package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/// What the machine gives at most to so many threads: the ceiling of decode, which reads all weights for every token, and that of
/// prefill, which multiplies each weight with many tokens.
///
/// @param memoryGigabytesPerSecond bytes read per nanosecond, from memory that lies as the packed weights do
/// @param fmaGigaflops operations per nanosecond of fused multiply-adds in registers, at the backend's vector width; a multiply-add
///     counts as two
public record MachineLimits(double memoryGigabytesPerSecond, double fmaGigaflops) {
  /// More than the caches of most machines hold.
  private static final int MEMORY_BYTES = 256 << 20;

  /// Short enough for an `int` loop, which the compiler turns into vector code, and long enough to hide the calls.
  private static final int RUN_LONGS = 1 << 19;

  private static final int MEMORY_RUNS = MEMORY_BYTES / (RUN_LONGS * Long.BYTES);

  private static final int FMA_STEPS = 1 << 14;
  private static final int FMA_RUNS_PER_THREAD = 64;

  /// Passes of each kind, in turn: over so long a time that neither a busy neighbour nor the compiler spoils all of one kind.
  private static final int PASSES = 60;

  /// Measures both, in about a second: the best of the passes, since whatever else runs on the machine can only slow them down.
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
      long memoryNanos = Long.MAX_VALUE;
      long fmaNanos = Long.MAX_VALUE;
      for (int i = 0; i < PASSES; i++) {
        memoryNanos = Math.min(memoryNanos, memoryPass(pool, segment));
        fmaNanos = Math.min(fmaNanos, fmaPass(pool, math));
      }
      int lanes = Math.max(1, math.vectorBits() / Float.SIZE);
      double flops = 2.0 * fmaRuns(pool) * FMA_STEPS * PanelMath.FMA_CHAINS * lanes;
      return new MachineLimits((double) MEMORY_BYTES / memoryNanos, flops / fmaNanos);
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

  private static int fmaRuns(WorkerPool pool) {
    return pool.threads() * FMA_RUNS_PER_THREAD;
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
