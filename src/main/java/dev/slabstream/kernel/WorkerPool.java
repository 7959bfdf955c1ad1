package dev.slabstream.kernel;

import java.lang.invoke.VarHandle;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads that compute beside the caller: `threads - 1` daemons, which end with [#close()].
///
/// **A job** is `numItems` items, cut into units of `grain` items. Each thread has a *share* of the units, consecutive ones, so that
/// it reads memory in one run. It claims them from the front, a quarter of what is left at a time; who is done with its own share
/// claims from the back of the others' in the same way. So the claims get small toward the end, all threads end within a unit of each
/// other, and a thread that the operating system takes away costs what it has claimed and no more.
///
/// **The barrier** is a *lane* for each thread, two words on a cache line of their own:
/// ```
/// share  [number of the job: 32][next unit: 16][end: 16]    what nobody has claimed
/// done   [number of the job: 32][units: 32]                 units that this thread has computed, of whatever share
/// ```
/// 1. The caller writes the job's fields, then the share of every lane. A worker polls the share of its own lane, and nothing else.
/// 2. Claiming is a compare-and-set of a share that carries the number of the job. The fields are read after a claim: the job cannot
///    end before the claimed units are done. A worker that comes late finds shares of another job, or empty ones, and is not waited for.
/// 3. The job is over when the `done` words that carry its number add up to all units.
///
/// Workers spin for some microseconds between jobs, since the next one usually comes at once, then yield their core, and then park.
final class WorkerPool implements AutoCloseable {
  /// A part of a job: items `from` (inclusive) to `to` (exclusive), done by thread `worker`, 0 = the caller.
  @FunctionalInterface
  interface Task {
    void run(int from, int to, int worker);
  }

  static final int MAX_THREADS = 1024;

  private static final int SPINS_PER_CLOCK_READ = 64;
  private static final long SPIN_NANOS = 5_000;
  private static final long PARK_AFTER_NANOS = 40_000;

  /// The answer of [#idle] when it is time to park.
  private static final long PARK = Long.MIN_VALUE;

  /// Longs from lane to lane: 128 bytes, since processors fetch cache lines in pairs.
  private static final int LANE = 16;

  private static final int DONE = 1;
  private static final int MAX_UNITS = 0xFFFF;
  private static final int CLAIMED_PART = 4;

  private final AtomicLongArray lanes;
  private final Worker[] workers;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  /// 0 where there are more threads than processors: who waits running then keeps others from computing.
  private final long parkAfterNanos;

  // The job: written before its shares, read by who has claimed a part of them.
  private @Nullable Task task;
  private int numItems;
  private int grain;
  private int job;

  private volatile boolean closed;

  WorkerPool(int threads) {
    this(threads, Thread::new);
  }

  /// @param factory makes the threads; what starting one throws is thrown here, after those started before have ended
  WorkerPool(int threads, ThreadFactory factory) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads must be 1 to " + MAX_THREADS + "; got " + threads);
    }
    parkAfterNanos = threads <= Runtime.getRuntime().availableProcessors() ? PARK_AFTER_NANOS : 0;
    lanes = new AtomicLongArray((threads + 1) * LANE);
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1, factory);
    }
    try {
      for (Worker worker : workers) {
        worker.thread.start();
      }
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  int threads() {
    return workers.length + 1;
  }

  /// Runs `task` over items `0 .. numItems - 1` and returns when all are done. Every call of the task gets a multiple of `grain`
  /// items, but for the last ones.
  ///
  /// What a call throws is thrown here, after every thread has left the job; the pool remains usable. Items not yet claimed are
  /// dropped then.
  void run(int numItems, int grain, Task task) {
    if (closed) {
      throw new IllegalStateException("the worker pool is closed");
    }
    if (workers.length == 0 || numItems <= grain) {
      if (numItems > 0) {
        task.run(0, numItems, 0);
      }
      return;
    }
    int unit = grain * Math.ceilDiv(Math.ceilDiv(numItems, grain), MAX_UNITS);
    int numUnits = Math.ceilDiv(numItems, unit);
    int numLanes = Math.min(threads(), numUnits);
    this.task = task;
    this.numItems = numItems;
    this.grain = unit;
    job++;
    for (int lane = numLanes - 1; lane >= 0; lane--) {
      int next = (int) ((long) numUnits * lane / numLanes);
      int end = (int) ((long) numUnits * (lane + 1) / numLanes);
      lanes.setRelease(share(lane), word(job, next << 16 | end));
    }
    // Shares before flags: either we see that a worker has parked, or it sees its share.
    VarHandle.fullFence();
    for (int lane = 1; lane < numLanes; lane++) {
      workers[lane - 1].wake();
    }
    compute(0, job);
    awaitDone(numUnits, numLanes);
    this.task = null;
    Throwable thrown = failure.get();
    if (thrown != null) {
      failure.set(null);
      rethrow(thrown);
    }
  }

  /// Claims and computes units of `job` until none is left.
  private void compute(int lane, int job) {
    int done = 0;
    boolean dropping = false;
    for (int units = claim(lane, job); units != 0; units = claim(lane, job)) {
      int from = units >>> 16;
      int to = units & 0xFFFF;
      if (!dropping) {
        dropping = !compute(from, to, lane);
      }
      done += to - from;
      lanes.setRelease(done(lane), word(job, done));
    }
  }

  /// Whether all went well.
  private boolean compute(int fromUnit, int toUnit, int lane) {
    try {
      Task current = task;
      if (current == null) {
        throw new IllegalStateException("thread " + lane + " claimed a part of no job");
      }
      current.run(fromUnit * grain, (int) Math.min(numItems, (long) toUnit * grain), lane);
      return true;
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
      return false;
    }
  }

  /// The next units for the thread of `lane`, `[first: 16][end: 16]`, of its own share or else of another; 0 when none is left.
  private int claim(int lane, int job) {
    int units = claimFront(share(lane), job);
    int numLanes = threads();
    for (int other = lane + 1; units == 0 && other < lane + numLanes; other++) {
      units = claimBack(share(other < numLanes ? other : other - numLanes), job);
    }
    return units;
  }

  private int claimFront(int share, int job) {
    while (true) {
      long word = lanes.getAcquire(share);
      int next = (int) word >>> 16;
      int end = (int) word & 0xFFFF;
      if (jobOf(word) != job || next == end) {
        return 0;
      }
      int claimed = next + sizeOfClaim(end - next);
      if (lanes.compareAndSet(share, word, word(job, claimed << 16 | end))) {
        return next << 16 | claimed;
      }
    }
  }

  private int claimBack(int share, int job) {
    while (true) {
      long word = lanes.getAcquire(share);
      int next = (int) word >>> 16;
      int end = (int) word & 0xFFFF;
      if (jobOf(word) != job || next == end) {
        return 0;
      }
      int claimed = end - sizeOfClaim(end - next);
      if (lanes.compareAndSet(share, word, word(job, next << 16 | claimed))) {
        return claimed << 16 | end;
      }
    }
  }

  private static int sizeOfClaim(int left) {
    return Math.max(1, left / CLAIMED_PART);
  }

  private void awaitDone(int numUnits, int numLanes) {
    long since = 0;
    for (int spins = 1; numDone(numLanes) != numUnits; spins++) {
      since = idle(spins, since);
      if (since == PARK) {
        // A worker lost its core, or its claim is long. An interrupt makes this spin, no more.
        LockSupport.parkNanos(this, PARK_AFTER_NANOS);
        since = 0;
      }
    }
  }

  /// Passes a moment of waiting: spins; then lets others have the core between two looks, since they may be who is waited for.
  ///
  /// @param since the last answer; 0 at first
  private long idle(int spins, long since) {
    Thread.onSpinWait();
    if (spins % SPINS_PER_CLOCK_READ != 0) {
      return since;
    }
    long now = System.nanoTime();
    if (since == 0) {
      return now;
    }
    if (now - since > parkAfterNanos) {
      return PARK;
    }
    if (now - since > SPIN_NANOS) {
      Thread.yield();
    }
    return since;
  }

  private int numDone(int numLanes) {
    int sum = 0;
    for (int lane = 0; lane < numLanes; lane++) {
      long word = lanes.getAcquire(done(lane));
      if (jobOf(word) == job) {
        sum += (int) word;
      }
    }
    return sum;
  }

  private static int share(int lane) {
    return (lane + 1) * LANE;
  }

  private static int done(int lane) {
    return share(lane) + DONE;
  }

  private static long word(int job, int low) {
    return (long) job << 32 | Integer.toUnsignedLong(low);
  }

  private static int jobOf(long word) {
    return (int) (word >>> 32);
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
      LockSupport.unpark(worker.thread);
      while (worker.thread.isAlive()) {
        try {
          worker.thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Worker implements Runnable {
    private final int lane;
    private final Thread thread;
    private volatile boolean parked;

    Worker(int lane, ThreadFactory factory) {
      this.lane = lane;
      thread = factory.newThread(this);
      thread.setName("slabstream-worker-" + lane);
      thread.setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(thread);
      }
    }

    @Override
    public void run() {
      int last = 0;
      while (!closed) {
        last = awaitJobAfter(last);
        compute(lane, last);
      }
    }

    /// The number of the job in this lane once it is another one than `last`, or anything after close.
    private int awaitJobAfter(int last) {
      int share = share(lane);
      long since = 0;
      for (int spins = 1; ; spins++) {
        int current = jobOf(lanes.getAcquire(share));
        if (current != last) {
          return current;
        }
        since = idle(spins, since);
        if (since == PARK) {
          if (closed) {
            return last;
          }
          park(share, last);
          since = 0;
        }
      }
    }

    private void park(int share, int last) {
      parked = true;
      // The flag is up before this last look: either we see the share, or its caller sees the flag.
      VarHandle.fullFence();
      if (!closed && jobOf(lanes.getAcquire(share)) == last) {
        LockSupport.park(WorkerPool.this);
      }
      parked = false;
      // An interrupt is nobody's way to stop a worker; left standing it would turn the next park
      // into a spin.
      Thread.interrupted();
    }
  }
}
