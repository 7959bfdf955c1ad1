package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The engine on its own thread, among others.
@Timeout(30)
class EngineThreadTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(64));
  private final AtomicReference<@Nullable Throwable> fatal = new AtomicReference<>();
  private final Engine engine =
      new Engine(
          new EngineSettings(8, 64, 8),
          model,
          slab,
          System::nanoTime,
          EngineEvents.NONE,
          fatal::set);

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static boolean await(RecordingListener listener) throws InterruptedException {
    return listener.end.await(20, TimeUnit.SECONDS);
  }

  private RecordingListener submit(int salt, int maxNewTokens) {
    RecordingListener listener = new RecordingListener();
    engine.submit(Requests.request(Requests.prompt(salt, 20), maxNewTokens, listener));
    return listener;
  }

  static Thread engineThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("slabstream-engine"))
        .findAny()
        .orElseThrow();
  }

  @Test
  void servesManySubmittersAtOnce() throws Exception {
    model.recording = false;
    AtomicInteger refused = new AtomicInteger();
    AtomicInteger cancelled = new AtomicInteger();
    // Sixteen come, and the first step lasts until there is one too many in the queue of eight.
    model.before =
        () -> {
          while (refused.get() == 0) {
            sleep(1);
          }
        };
    engine.start();
    List<Future<?>> submitters = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
      for (int t = 0; t < 16; t++) {
        SplittableRandom random = new SplittableRandom(t);
        submitters.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 50; i++) {
                    runOne(random, refused, cancelled);
                  }
                  return null;
                }));
      }
    }
    for (Future<?> submitter : submitters) {
      submitter.get();
    }
    engine.close();
    EngineStats stats = engine.stats();
    long ended =
        stats.finished().values().stream().mapToLong(Long::longValue).sum()
            + stats.cancelled().values().stream().mapToLong(Long::longValue).sum();
    assertThat(ended).isEqualTo(800).isEqualTo(stats.submitted());
    assertThat(stats.failed()).isZero();
    assertThat(stats.rejected()).isEqualTo(refused.get()).isPositive();
    assertThat(cancelled.get()).isPositive();
    assertThat(stats.waiting()).isZero();
    assertThat(stats.running()).isZero();
  }

  private void runOne(SplittableRandom random, AtomicInteger refused, AtomicInteger cancelled)
      throws InterruptedException {
    int[] prompt = Requests.prompt(random.nextInt(1000), random.nextInt(1, 100));
    int count = random.nextInt(1, 50);
    RecordingListener listener = new RecordingListener();
    SequenceHandle handle = null;
    while (handle == null) {
      try {
        handle = engine.submit(Requests.request(prompt, count, listener));
      } catch (OverloadedException e) {
        refused.incrementAndGet();
        Thread.sleep(1);
      }
    }
    if (random.nextInt(4) == 0) {
      handle.cancel();
    }
    assertThat(await(listener)).isTrue();
    int[] ids = listener.ids();
    assertThat(ids).isEqualTo(FakeModel.continuation(0, prompt, ids.length));
    if (listener.last().startsWith("cancelled")) {
      cancelled.incrementAndGet();
    } else {
      assertThat(ids).hasSize(count);
    }
  }

  @Test
  void parksWhenIdleAndWakesForASubmission() throws Exception {
    engine.start();
    Thread thread = engineThread();
    for (int i = 0; i < 50; i++) {
      assertThat(await(submit(i, 3))).isTrue();
    }
    var threads = ManagementFactory.getThreadMXBean();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    long before = threads.getThreadCpuTime(thread.threadId());
    Thread.sleep(200);
    assertThat(threads.getThreadCpuTime(thread.threadId()) - before)
        .as("nanoseconds of processor time in 200 ms of idleness")
        .isLessThan(20_000_000);
    assertThat(await(submit(1, 3))).isTrue();
  }

  @Test
  void anInterruptNeitherStopsItNorMakesItSpin() throws Exception {
    engine.start();
    Thread thread = engineThread();
    thread.interrupt();
    assertThat(await(submit(1, 3))).isTrue();
    thread.interrupt();
    while (thread.getState() != Thread.State.WAITING || thread.isInterrupted()) {
      Thread.onSpinWait();
    }
    assertThat(await(submit(2, 3))).isTrue();
  }

  @Test
  void theEndOfAPauseWakesIt() throws Exception {
    RecordingListener listener = new RecordingListener();
    CountDownLatch submitted = new CountDownLatch(1);
    CountDownLatch pausing = new CountDownLatch(1);
    AtomicReference<@Nullable SequenceHandle> handle = new AtomicReference<>();
    listener.before =
        what -> {
          if (what.equals("token 3")) {
            awaitLatch(submitted);
            Objects.requireNonNull(handle.get()).pause();
            pausing.countDown();
          }
        };
    engine.start();
    Thread thread = engineThread();
    handle.set(engine.submit(Requests.request(Requests.prompt(1, 20), 30, listener)));
    submitted.countDown();
    awaitLatch(pausing);
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(engine.stats().paused()).isEqualTo(1);
    assertThat(await(submit(7, 3))).as("others go on").isTrue();
    assertThat(listener.last()).isEqualTo("token 3");
    Objects.requireNonNull(handle.get()).resume();
    assertThat(await(listener)).isTrue();
    assertThat(listener.ids()).isEqualTo(FakeModel.continuation(0, Requests.prompt(1, 20), 30));
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void hang(CountDownLatch inStep, CountDownLatch goOn) {
    inStep.countDown();
    try {
      goOn.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void cancellationWakesIt() throws Exception {
    CountDownLatch inStep = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    model.before = () -> hang(inStep, goOn);
    engine.start();
    RecordingListener listener = new RecordingListener();
    SequenceHandle handle = engine.submit(Requests.request(Requests.prompt(1, 20), 200, listener));
    inStep.await();
    handle.cancel();
    goOn.countDown();
    assertThat(await(listener)).isTrue();
    assertThat(listener.told).containsExactly("admitted", "token 0", "cancelled in DECODE");
  }

  @Test
  void drainingLetsFinishWhatIsThereAndTakesNoMore() throws Exception {
    model.before = () -> sleep(1);
    engine.start();
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      listeners.add(submit(i, 50));
    }
    Thread drainer = Thread.ofPlatform().start(() -> engine.drain(Duration.ofSeconds(20)));
    while (true) {
      try {
        submit(1, 1);
        sleep(1);
      } catch (OverloadedException e) {
        sleep(1);
      } catch (IllegalStateException e) {
        break;
      }
    }
    drainer.join();
    assertThat(listeners).allMatch(listener -> listener.last().equals("finished LENGTH"));
    assertThat(engine.stats().cancelled().values()).containsOnly(0L);
    assertThat(slab.stats().openLeases()).isZero();
  }

  @Test
  void drainingCancelsWhatTakesLongerThanTheGrace() throws Exception {
    // 280 of them are six seconds.
    model.before = () -> sleep(20);
    engine.start();
    RecordingListener slow = submit(2, 280);
    RecordingListener quick = submit(1, 2);
    assertThat(await(quick)).isTrue();
    engine.drain(Duration.ofMillis(50));
    assertThat(slow.last()).isEqualTo("cancelled in DECODE");
    assertThat(slow.tokens.size()).isBetween(2, 279);
    assertThat(slab.stats().openLeases()).isZero();
  }

  @Test
  void drainingAnIdleEngineEndsItAtOnce() {
    engine.start();
    Thread thread = engineThread();
    engine.drain(Duration.ofSeconds(20));
    assertThat(thread.isAlive()).isFalse();
  }

  @Test
  void closingEndsTheThreadWithEveryLeaseBack() throws Exception {
    engine.start();
    Thread thread = engineThread();
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      listeners.add(submit(i, 250));
    }
    engine.close();
    assertThat(thread.isAlive()).isFalse();
    assertThat(slab.stats().openLeases()).isZero();
    for (RecordingListener listener : listeners) {
      assertThat(await(listener)).isTrue();
    }
    assertThatIllegalStateException().isThrownBy(engine::start);
  }

  @Test
  void closingWithALimitDoesNotWaitForAStepThatHangs() throws Exception {
    CountDownLatch inStep = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    model.before = () -> hang(inStep, goOn);
    engine.start();
    RecordingListener listener = submit(1, 200);
    inStep.await();
    assertThat(engine.close(Duration.ofMillis(10))).isFalse();
    assertThat(slab.stats().openLeases()).isOne();
    assertThatIllegalStateException().isThrownBy(() -> submit(2, 5));

    goOn.countDown();
    assertThat(engine.close(Duration.ofSeconds(20))).isTrue();
    assertThat(listener.last()).isEqualTo("cancelled in DECODE");
    assertThat(slab.stats().openLeases()).isZero();
  }

  @Test
  void anInterruptedCloserStillWaitsAndStaysInterrupted() {
    engine.start();
    Thread thread = engineThread();
    Thread.currentThread().interrupt();
    engine.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(thread.isAlive()).isFalse();
  }

  @Test
  void aListenerMayCloseTheEngine() throws Exception {
    engine.start();
    Thread thread = engineThread();
    RecordingListener listener = new RecordingListener();
    listener.before =
        what -> {
          if (what.equals("token 2")) {
            engine.close();
          }
        };
    engine.submit(Requests.request(Requests.prompt(1, 20), 200, listener));
    thread.join();
    assertThat(listener.last()).isEqualTo("cancelled in DECODE");
    assertThat(listener.tokens).hasSize(3);
  }

  @Test
  void aFatalErrorEndsTheEngineAndIsHandedOn() throws Exception {
    StackOverflowError error = new StackOverflowError("injected");
    model.before =
        () -> {
          throw error;
        };
    engine.start();
    Thread thread = engineThread();
    RecordingListener listener = submit(1, 5);
    assertThat(await(listener)).isTrue();
    thread.join();
    assertThat(listener.failure).isSameAs(error);
    assertThat(fatal.get()).isSameAs(error);
    assertThatIllegalStateException().isThrownBy(() -> submit(2, 5));
    engine.close();
  }

  /// An engine whose thread has ended without a word would leave a process that takes requests and answers none.
  @Test
  void anErrorWhileSequencesEndIsHandedOnAndClosingEndsTheRest() throws Exception {
    FakeClock clock = new FakeClock();
    Engine failing =
        new Engine(new EngineSettings(8, 64, 8), model, slab, clock, EngineEvents.NONE, fatal::set);
    // Time cannot be told, so nothing can end.
    model.before = () -> clock.failures = Integer.MAX_VALUE;
    failing.start();
    Thread thread = engineThread();
    RecordingListener listener = new RecordingListener();
    failing.submit(Requests.request(Requests.prompt(1, 20), 5, listener));
    thread.join();
    assertThat(fatal.get()).isInstanceOf(OutOfMemoryError.class);
    clock.failures = 0;
    failing.close();
    assertThat(listener.last()).isEqualTo("cancelled in PREFILL");
    assertThat(slab.stats().openLeases()).isZero();
  }

  @Test
  void hasOneThreadAndNobodyElseTakesItsSteps() {
    engine.start();
    assertThatIllegalStateException().isThrownBy(engine::step);
    assertThatIllegalStateException().isThrownBy(engine::start);
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
