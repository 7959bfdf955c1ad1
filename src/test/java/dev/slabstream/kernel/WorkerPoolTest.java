package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7, 16, 33, 64})
  void everyItemRunsExactlyOnceAndIsSeenByTheCaller(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      int[] runs = new int[1000];
      for (int round = 1; round <= 2000 / threads; round++) {
        pool.run(
            runs.length,
            1 + round % 9,
            (from, to, worker) -> {
              assertThat(from).isLessThan(to);
              assertThat(worker).isBetween(0, threads - 1);
              for (int i = from; i < to; i++) {
                runs[i]++;
              }
            });
        assertThat(runs).containsOnly(round);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 64, 200_000, 1_000_003})
  void anyNumberOfItemsIsCutIntoWholeGrains(int numItems) {
    try (WorkerPool pool = new WorkerPool(3)) {
      for (int grain : new int[] {1, 5, 1024}) {
        AtomicIntegerArray runs = new AtomicIntegerArray(numItems);
        pool.run(
            numItems,
            grain,
            (from, to, worker) -> {
              assertThat(from % grain).isZero();
              assertThat(to).matches(end -> end == numItems || end % grain == 0);
              for (int i = from; i < to; i++) {
                runs.incrementAndGet(i);
              }
            });
        assertThat(IntStream.range(0, numItems).filter(i -> runs.get(i) != 1)).isEmpty();
      }
    }
  }

  @Test
  void aThreadBeginsWithItsOwnConsecutiveShareAndHelpsOutAfterwards() {
    try (WorkerPool pool = new WorkerPool(2)) {
      AtomicIntegerArray owner = new AtomicIntegerArray(100);
      AtomicIntegerArray begun = new AtomicIntegerArray(2);
      AtomicBoolean helped = new AtomicBoolean();
      pool.run(
          100,
          1,
          (from, to, worker) -> {
            if (begun.getAndIncrement(worker) == 0) {
              owner.set(from, worker + 1);
              // The worker goes on when the caller has taken of its share.
              while (worker == 1 && !helped.get() || begun.get(1) == 0) {
                Thread.onSpinWait();
              }
            } else if (worker == 0 && from >= 50) {
              helped.set(true);
            }
          });
      assertThat(owner.get(0)).isEqualTo(1);
      assertThat(owner.get(50)).isEqualTo(2);
    }
  }

  /// What a thread holds when it is stopped is waited for; all else others do meanwhile.
  @Test
  void aWorkerThatIsHeldUpKeepsNoneOfTheItemsItHasNotClaimed() {
    try (WorkerPool pool = new WorkerPool(2)) {
      AtomicIntegerArray byWorker = new AtomicIntegerArray(2);
      AtomicInteger held = new AtomicInteger();
      pool.run(
          1000,
          1,
          (from, to, worker) -> {
            byWorker.addAndGet(worker, to - from);
            if (worker == 1) {
              held.set(to - from);
              while (byWorker.get(0) + held.get() < 1000) {
                Thread.onSpinWait();
              }
            } else {
              while (held.get() == 0) {
                Thread.onSpinWait();
              }
            }
          });
      assertThat(byWorker.get(1)).isEqualTo(held.get()).isLessThanOrEqualTo(500 / 4);
    }
  }

  @Test
  void aJobAfterAPauseWakesTheParkedWorkers() {
    try (WorkerPool pool = new WorkerPool(2)) {
      for (int round = 0; round < 50; round++) {
        LockSupport.parkNanos(2_000_000);
        AtomicIntegerArray byWorker = new AtomicIntegerArray(2);
        // Each of the two items waits until both are running: one thread alone would never end.
        pool.run(
            2,
            1,
            (from, to, worker) -> {
              byWorker.incrementAndGet(worker);
              while (byWorker.get(0) + byWorker.get(1) < 2) {
                Thread.onSpinWait();
              }
            });
        assertThat(byWorker.get(0)).isEqualTo(1);
        assertThat(byWorker.get(1)).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void whatAnItemThrowsReachesTheCallerAndThePoolGoesOn(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      for (int bad = 0; bad < 200; bad++) {
        int badItem = bad;
        assertThatThrownBy(
                () ->
                    pool.run(
                        200,
                        1,
                        (from, to, worker) -> {
                          if (from <= badItem && badItem < to) {
                            throw new OutOfMemoryError("item " + badItem);
                          }
                        }))
            .isInstanceOf(OutOfMemoryError.class)
            .hasMessage("item " + bad);
        AtomicIntegerArray done = new AtomicIntegerArray(1);
        pool.run(100, 1, (from, to, worker) -> done.addAndGet(0, to - from));
        assertThat(done.get(0)).isEqualTo(100);
      }
    }
  }

  @Test
  void anInterruptOfCallerOrWorkerChangesNothing() {
    try (WorkerPool pool = new WorkerPool(3)) {
      Thread.currentThread().interrupt();
      AtomicIntegerArray done = new AtomicIntegerArray(1);
      for (int round = 0; round < 500; round++) {
        pool.run(
            30,
            1,
            (from, to, worker) -> {
              if (worker > 0) {
                Thread.currentThread().interrupt();
              }
              done.addAndGet(0, to - from);
            });
      }
      assertThat(done.get(0)).isEqualTo(15_000);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void idleWorkersBurnNoProcessorTime() throws InterruptedException {
    Set<Thread> others = workers();
    try (WorkerPool pool = new WorkerPool(4)) {
      pool.run(8, 1, (from, to, worker) -> {});
      // They spin for a moment before they park.
      while (!own(others).allMatch(thread -> thread.getState() == Thread.State.WAITING)) {
        Thread.sleep(1);
      }
      long before = cpuNanos(others);
      Thread.sleep(200);
      assertThat(cpuNanos(others) - before).isLessThan(20_000_000);
    }
  }

  private static long cpuNanos(Set<Thread> others) {
    var bean = ManagementFactory.getThreadMXBean();
    return own(others).mapToLong(thread -> bean.getThreadCpuTime(thread.threadId())).sum();
  }

  private static Stream<Thread> own(Set<Thread> others) {
    return workers().stream().filter(thread -> !others.contains(thread));
  }

  /// Live workers of all pools of this JVM.
  static Set<Thread> workers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("slabstream-worker-"))
        .collect(Collectors.toSet());
  }

  @Test
  void closeJoinsTheWorkersAndUseAfterwardsIsRefused() {
    Set<Thread> others = workers();
    WorkerPool pool = new WorkerPool(4);
    assertThat(workers()).hasSize(others.size() + 3);
    pool.close();
    pool.close();
    assertThat(others).containsAll(workers());
    assertThatThrownBy(() -> pool.run(1, 1, (from, to, worker) -> {}))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aWorkerThatCannotStartEndsThoseThatDid() {
    List<Thread> made = new ArrayList<>();
    ThreadFactory noThird =
        task -> {
          Thread thread =
              made.size() < 2
                  ? new Thread(task)
                  : new Thread(task) {
                    @Override
                    public void start() {
                      throw new OutOfMemoryError("no third thread");
                    }
                  };
          made.add(thread);
          return thread;
        };
    assertThatThrownBy(() -> new WorkerPool(5, noThird))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessage("no third thread");
    assertThat(made)
        .extracting(Thread::getState)
        .containsExactly(
            Thread.State.TERMINATED, Thread.State.TERMINATED, Thread.State.NEW, Thread.State.NEW);
  }
}
