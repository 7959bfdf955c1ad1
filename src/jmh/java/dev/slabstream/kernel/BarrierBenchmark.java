package dev.slabstream.kernel;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What it costs to give a job to the workers and have it back: the caller's time a run, to hold against `serial`.
///
/// Two threads run some 200 jobs a token, so a microsecond here is a fiftieth of the time of a small model's token.
@NullUnmarked // JMH and the set-up method fill the fields
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class BarrierBenchmark {
  private static final int THREADS = 2;
  private static final int ITEMS = 64;

  /// Some two microseconds each, as a panel of a small model's matrix is.
  private static final int ADDITIONS_PER_ITEM = 2_500;

  /// 128 bytes apart.
  private static final int LINE = 32;

  /// Busy processes beside this one: what they take is to cost their share, not a stall.
  @Param({"0"})
  int neighbours;

  private WorkerPool pool;
  private WorkerPool alone;
  private final Process[] busy = new Process[2];
  private final AtomicIntegerArray begun = new AtomicIntegerArray(3 * LINE);
  private final double[] results = new double[ITEMS * LINE];

  private final WorkerPool.Task nothing = (from, to, worker) -> {};

  /// Each of the two items waits until the other one has begun.
  private final WorkerPool.Task meeting =
      (from, to, worker) -> {
        for (int item = from; item < to; item++) {
          int round = begun.getPlain((item + 1) * LINE) + 1;
          begun.setRelease((item + 1) * LINE, round);
          while (begun.getAcquire((2 - item) * LINE) - round < 0) {
            Thread.onSpinWait();
          }
        }
      };

  private final WorkerPool.Task work =
      (from, to, worker) -> {
        for (int item = from; item < to; item++) {
          double sum = results[item * LINE];
          for (int i = 0; i < ADDITIONS_PER_ITEM; i++) {
            sum += i;
          }
          results[item * LINE] = sum;
        }
      };

  @Setup
  public void open() throws IOException {
    pool = new WorkerPool(THREADS);
    alone = new WorkerPool(1);
    for (int i = 0; i < neighbours; i++) {
      busy[i] = new ProcessBuilder(List.of("sh", "-c", "while :; do :; done")).start();
    }
  }

  @TearDown
  public void close() {
    for (int i = 0; i < neighbours; i++) {
      busy[i].destroyForcibly();
    }
    pool.close();
    alone.close();
  }

  /// No other thread.
  @Benchmark
  public void serial() {
    alone.run(2, 1, nothing);
  }

  /// Nothing to do for either thread; the caller may do it all.
  @Benchmark
  public void empty() {
    pool.run(2, 1, nothing);
  }

  /// One item for each of the two threads, which both must have begun: there and back.
  @Benchmark
  public void handOver() {
    pool.run(2, 1, meeting);
  }

  /// A job of some 130 microseconds of one thread, on that one.
  @Benchmark
  public void workAlone() {
    alone.run(ITEMS, 1, work);
  }

  /// The same on both.
  @Benchmark
  public void workShared() {
    pool.run(ITEMS, 1, work);
  }
}
