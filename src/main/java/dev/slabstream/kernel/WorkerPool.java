package dev.slabstream.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads that compute beside the caller: `threads - 1` daemons, which end with [#close()].
///
/// **A job** is `numItems` items; whoever is free claims the next few through one counter, so a thread that the operating
/// system takes away costs what it holds and no more. One thread calls [#run], and returns when every item is done.
///
/// **The barrier** is one word: the job's number, an open bit, and how many workers are inside.
///
/// 1. The caller writes the job's fields, then the word: next number, open, nobody inside.
/// 2. A worker that sees a new open number goes inside by compare-and-set, claims items until none is left, and goes out.
/// 3. The caller claims items too; when none is left it clears the open bit and waits until nobody is inside. A worker that comes
///    late finds the job closed and is not waited for.
///
/// Workers spin for some microseconds between jobs, since the next one usually comes at once, and then park.
final class WorkerPool implements AutoCloseable {
  /// A share of a job: items `from` (inclusive) to `to` (exclusive), done by thread `worker`, 0 = the caller.
  @FunctionalInterface
  interface Task {
    void run(int from, int to, int worker);
  }

  static final int MAX_THREADS = 1024;

  private static final long SPIN_NANOS = 40_000;
  private static final int SPINS_PER_CLOCK_READ = 64;
  private static final long INSIDE = 0xFFFF;
  private static final long OPEN = 0x1_0000;
  private static final long NEXT_JOB = 0x2_0000;

  private final AtomicLong word = new AtomicLong();
  private final AtomicInteger nextItem = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final Worker[] workers;

  // The job: written before the word opens it, read by who went inside after.
  private @Nullable Task task;
  private int numItems;
  private int itemsPerClaim;

  private volatile boolean closed;

  WorkerPool(int threads) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads must be 1 to " + MAX_THREADS + "; got " + threads);
    }
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  int threads() {
    return workers.length + 1;
  }

  /// Runs `task` over items `0 .. numItems - 1`, `itemsPerClaim` at a time, and returns when all are done.
  ///
  /// What a share throws is thrown here, after every thread has left the job; the pool remains usable. Items not yet begun are
  /// dropped then.
  void run(int numItems, int itemsPerClaim, Task task) {
    if (closed) {
      throw new IllegalStateException("the worker pool is closed");
    }
    if (workers.length == 0 || numItems <= itemsPerClaim) {
      if (numItems > 0) {
        task.run(0, numItems, 0);
      }
      return;
    }
    this.task = task;
    this.numItems = numItems;
    this.itemsPerClaim = itemsPerClaim;
    nextItem.setPlain(0);
    long job = (word.getPlain() & ~(OPEN | INSIDE)) + NEXT_JOB + OPEN;
    word.set(job);
    int claims = (numItems + itemsPerClaim - 1) / itemsPerClaim;
    for (int i = 0; i < Math.min(workers.length, claims - 1); i++) {
      workers[i].wake();
    }
    claimItems(0);
    awaitWorkers();
    this.task = null;
    Throwable thrown = failure.get();
    if (thrown != null) {
      failure.set(null);
      rethrow(thrown);
    }
  }

  private void claimItems(int worker) {
    Task current = task;
    if (current == null) {
      throw new IllegalStateException("worker " + worker + " entered a job that is over");
    }
    int step = itemsPerClaim;
    int end = numItems;
    try {
      for (int from = claim(step, end); from < end; from = claim(step, end)) {
        current.run(from, Math.min(end - from, step) + from, worker);
      }
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
      nextItem.set(end);
    }
  }

  /// The first item of the next share; `end` when there is none. Stops counting there: the counter cannot overflow.
  private int claim(int step, int end) {
    return nextItem.get() >= end ? end : Math.min(end, nextItem.getAndAdd(step));
  }

  private void awaitWorkers() {
    long now = word.getAndAdd(-OPEN) - OPEN;
    long spinUntil = 0;
    for (int spins = 1; (now & INSIDE) != 0; spins++, now = word.get()) {
      Thread.onSpinWait();
      if (spins % SPINS_PER_CLOCK_READ == 0) {
        long time = System.nanoTime();
        if (spinUntil == 0) {
          spinUntil = time + SPIN_NANOS;
        } else if (time > spinUntil) {
          // A worker lost its core, or its share is long: leave ours to it. An interrupt makes this
          // spin, no more.
          LockSupport.parkNanos(this, SPIN_NANOS);
        }
      }
    }
  }

  private static void rethrow(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
    throw new IllegalStateException("a kernel threw a checked exception", thrown);
  }

  /// Ends and joins the workers; an interrupt while joining is kept for the caller. Closing twice is harmless.
  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Worker extends Thread {
    private final int index;
    private volatile boolean parked;

    Worker(int index) {
      super("slabstream-worker-" + index);
      this.index = index;
      setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      long lastJob = 0;
      while (!closed) {
        long job = awaitJobAfter(lastJob);
        if ((job & OPEN) != 0 && word.compareAndSet(job, job + 1)) {
          lastJob = job / NEXT_JOB;
          claimItems(index);
          word.getAndDecrement();
        }
      }
    }

    /// The word once its job is another one than `lastJob` and open, or anything after close.
    private long awaitJobAfter(long lastJob) {
      long spinUntil = 0;
      for (int spins = 1; !closed; spins++) {
        long now = word.get();
        if ((now & OPEN) != 0 && now / NEXT_JOB != lastJob) {
          return now;
        }
        Thread.onSpinWait();
        if (spins % SPINS_PER_CLOCK_READ == 0) {
          long time = System.nanoTime();
          if (spinUntil == 0) {
            spinUntil = time + SPIN_NANOS;
          } else if (time > spinUntil) {
            park(lastJob);
            spinUntil = 0;
          }
        }
      }
      return 0;
    }

    private void park(long lastJob) {
      parked = true;
      // The flag is up before this last look: either we see the job, or its caller sees the flag.
      long now = word.get();
      if (!closed && ((now & OPEN) == 0 || now / NEXT_JOB == lastJob)) {
        LockSupport.park(WorkerPool.this);
      }
      parked = false;
      // An interrupt is nobody's way to stop a worker; left standing it would turn the next park
      // into a spin.
      Thread.interrupted();
    }
  }
}
