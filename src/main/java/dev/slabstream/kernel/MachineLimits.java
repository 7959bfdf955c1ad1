package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

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
  private static final int MEMORY_PASSES = 12;

  private static final int FMA_STEPS = 1 << 14;
  private static final int FMA_RUNS_PER_THREAD = 128;
  private static final int FMA_PASSES = 40;

  /// Measures both, in about half a second: the best of some passes each, since whatever else runs on the machine can only slow
  /// them down. Starts and ends threads of its own; call it while no kernel computes.
  ///
  /// @param info the backend whose threads and width count; of the ND4J backend, whose width is not known, the machine's widest
  public static MachineLimits measure(KernelInfo info) {
    try (WorkerPool pool = new WorkerPool(info.threads())) {
      return new MachineLimits(memorySpeed(pool), fmaSpeed(pool, KernelChoice.mathOf(info)));
    }
  }

  private static double memorySpeed(WorkerPool pool) {
    try (WeightMemory memory = new WeightMemory()) {
      MemorySegment segment = memory.allocate(MEMORY_BYTES);
      // Pages never written would all be the same page of zeros, which a cache holds.
      pool.run(MEMORY_RUNS, 1, (from, to, _) -> writeRuns(segment, from, to));
      long[] sums = new long[pool.threads()];
      long best =
          bestNanos(
              MEMORY_PASSES,
              () ->
                  pool.run(
                      MEMORY_RUNS,
                      1,
                      (from, to, worker) -> sums[worker] += sumOfRuns(segment, from, to)));
      long sum = 0;
      for (long each : sums) {
        sum += each;
      }
      // Asked for, so that nobody optimises the reading away.
      if (sum != (long) MEMORY_PASSES * MEMORY_BYTES / Long.BYTES) {
        throw new IllegalStateException("memory does not hold what was written: sum " + sum);
      }
      return (double) MEMORY_BYTES / best;
    }
  }

  private static double fmaSpeed(WorkerPool pool, PanelMath math) {
    int runs = pool.threads() * FMA_RUNS_PER_THREAD;
    float[] results = new float[pool.threads()];
    long best =
        bestNanos(
            FMA_PASSES,
            () ->
                pool.run(
                    runs,
                    1,
                    (from, to, worker) -> {
                      for (int run = from; run < to; run++) {
                        results[worker] = math.fmaChains(FMA_STEPS);
                      }
                    }));
    if (!Float.isFinite(results[0])) {
      throw new IllegalStateException("multiply-adds gave " + results[0]);
    }
    int lanes = Math.max(1, math.vectorBits() / Float.SIZE);
    return 2.0 * runs * FMA_STEPS * PanelMath.FMA_CHAINS * lanes / best;
  }

  private static long bestNanos(int passes, Runnable pass) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < passes; i++) {
      long start = System.nanoTime();
      pass.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
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
