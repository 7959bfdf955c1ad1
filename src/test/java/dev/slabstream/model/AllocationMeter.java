package dev.slabstream.model;

import com.sun.management.ThreadMXBean;
import dev.slabstream.kernel.Kernels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.function.LongSupplier;

/// Counts what steps allocate, on the thread that takes them and on the workers of the kernels that compute them.
///
/// Vectors are objects wherever C2 has not compiled away what makes them, so a step allocates nothing only when all of its kernels are
/// compiled, and each by C2 with all that it calls. So the counting is done in a JVM of its own, whose first kernels are those counted,
/// and which waits for its compiler; and the least of many rounds counts: what a step itself allocates, it allocates in every round.
public final class AllocationMeter {
  private static final int MAX_ROUNDS = 3_000;
  private static final String WORKER = "slabstream-worker-";
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long[] workers;

  /// @param kernels the only ones that are open
  public AllocationMeter(Kernels kernels) {
    workers =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith(WORKER))
            .mapToLong(Thread::threadId)
            .toArray();
    int expected = kernels.info().threads() - 1;
    if (workers.length != expected) {
      throw new IllegalStateException("workers: " + workers.length + " instead of " + expected);
    }
  }

  /// Runs `main` in a JVM of its own and returns the one number that it prints.
  public static long countInOwnJvm(Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return Long.parseLong(OwnJvm.run(main, List.of("-Xbatch"), arguments).getLast());
  }

  /// Bytes that `work` allocates.
  public long bytes(Runnable work) {
    long before = allocated();
    work.run();
    return allocated() - before;
  }

  private long allocated() {
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    for (long worker : workers) {
      bytes += THREADS.getThreadAllocatedBytes(worker);
    }
    return bytes;
  }

  /// The least count of at most 3,000 rounds; the first that is not above `bound` is the last.
  public static long least(long bound, LongSupplier round) {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < MAX_ROUNDS && least > bound; i++) {
      least = Math.min(least, round.getAsLong());
    }
    return least;
  }
}
