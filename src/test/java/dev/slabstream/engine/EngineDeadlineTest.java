package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.TimeLimitException.Limit;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Whose time is over: the next step ends it, wherever it is, and touches nobody else.
@Timeout(30)
class EngineDeadlineTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(16));
  private final FakeClock clock = new FakeClock();
  private final Engine engine = new Engine(new EngineSettings(10, 32, 2), model, slab, clock);

  private final RecordingListener listener = new RecordingListener();
  private final RecordingListener other = new RecordingListener();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  /// A sequence that has `admitNanos` to be admitted and `endNanos` to end, from now on.
  private SequenceHandle submit(int promptLength, long admitNanos, long endNanos) {
    Deadlines deadlines =
        new Deadlines(clock.getAsLong() + admitNanos, clock.getAsLong() + endNanos);
    return engine.submit(
        Requests.withDeadlines(
            Requests.request(Requests.prompt(2, promptLength), 30, listener), deadlines));
  }

  private void submitOther() {
    engine.submit(Requests.request(Requests.prompt(1, 5), 10, other));
  }

  /// Two that leave no place for a third to run.
  private void submitTwoOthers() {
    submitOther();
    engine.submit(Requests.request(Requests.prompt(7, 5), 20, new RecordingListener()));
  }

  private void expectTheOtherToFinish() {
    while (engine.step() > 0) {}
    assertThat(other.last()).isEqualTo("finished LENGTH");
    assertThat(other.ids()).isEqualTo(FakeModel.continuation(0, Requests.prompt(1, 5), 10));
    assertThat(slab.stats().openLeases()).isZero();
    assertThat(engine.gate().stats()).isEqualTo(new QueueStats(0, 0));
  }

  private void expectTimeLimit(Limit limit) {
    assertThat(listener.last()).isEqualTo("failed");
    assertThat(listener.failure)
        .isInstanceOfSatisfying(
            TimeLimitException.class, e -> assertThat(e.limit()).isEqualTo(limit));
  }

  @Test
  void endsInTheQueueWhenItIsNotAdmittedInTime() {
    submitTwoOthers();
    submit(5, 100, 1000);
    engine.step();
    clock.advance(99);
    engine.step();
    assertThat(listener.told).isEmpty();
    assertThat(engine.stats().waiting()).isEqualTo(1);
    clock.advance(1);
    engine.step();
    assertThat(listener.told).containsExactly("failed");
    expectTimeLimit(Limit.QUEUE_TIME);
    assertThat(engine.stats().waiting()).isZero();
    assertThat(engine.stats().failed()).isEqualTo(1);
    expectTheOtherToFinish();
  }

  @Test
  void endsInTheQueueWhenItsWholeTimeIsOver() {
    submitTwoOthers();
    submit(5, 1000, 100);
    engine.step();
    clock.advance(100);
    engine.step();
    assertThat(listener.told).containsExactly("failed");
    expectTimeLimit(Limit.REQUEST_TIME);
    expectTheOtherToFinish();
  }

  @Test
  void isNeverAdmittedWhenItIsLateThoughThereIsRoomNow() {
    submitOther();
    submit(5, 100, 1000);
    clock.advance(100);
    engine.step();
    assertThat(listener.told).containsExactly("failed");
    expectTimeLimit(Limit.QUEUE_TIME);
    expectTheOtherToFinish();
  }

  @Test
  void admissionInTimeIsAllThatTheFirstLimitAsksFor() {
    submitOther();
    submit(5, 100, 1000);
    clock.advance(99);
    engine.step();
    clock.advance(500);
    expectTheOtherToFinish();
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(listener.ids()).hasSize(30);
  }

  @Test
  void endsInPrefill() {
    submitOther();
    submit(150, 50, 100);
    engine.step();
    assertThat(listener.told).containsExactly("admitted");
    assertThat(slab.stats().openLeases()).isEqualTo(2);
    clock.advance(100);
    engine.step();
    assertThat(listener.told).containsExactly("admitted", "failed");
    expectTimeLimit(Limit.REQUEST_TIME);
    assertThat(slab.stats().openLeases()).isEqualTo(1);
    // Nothing was computed for the one that ended.
    assertThat(model.takeLastStep()).hasSize(1);
    expectTheOtherToFinish();
  }

  @Test
  void endsInDecodeWithItsLeaseBackInOneStep() {
    submitOther();
    submit(5, 50, 100);
    engine.step();
    engine.step();
    clock.advance(99);
    engine.step();
    clock.advance(1);
    engine.step();
    assertThat(listener.told)
        .containsExactly("admitted", "token 0", "token 1", "token 2", "failed");
    expectTimeLimit(Limit.REQUEST_TIME);
    assertThat(slab.stats().resets()).containsEntry(ResetCause.FAILED, 1L);
    assertThat(slab.stats().openLeases()).isEqualTo(1);
    expectTheOtherToFinish();
  }

  @Test
  void endsOnceWhenItIsCancelledAndLate() {
    submitTwoOthers();
    SequenceHandle handle = submit(5, 100, 100);
    engine.step();
    clock.advance(100);
    handle.cancel();
    engine.step();
    assertThat(listener.told).containsExactly("cancelled in QUEUED");
    expectTheOtherToFinish();
  }

  @Test
  void eachOfManyEndsAtItsOwnMoment() {
    submitTwoOthers();
    List<RecordingListener> waiting = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      RecordingListener each = new RecordingListener();
      waiting.add(each);
      // Not in the order of their deadlines: 30, 10, 40, 20, 50 from now.
      long admitBy = clock.getAsLong() + (i * 3 + 2) % 5 * 10L + 10;
      engine.submit(
          Requests.withDeadlines(
              Requests.request(Requests.prompt(i, 5), 30, each),
              new Deadlines(admitBy, Deadlines.NEVER)));
    }
    for (int i = 1; i <= 5; i++) {
      clock.advance(10);
      engine.step();
      assertThat(waiting.stream().filter(RecordingListener::hasEnded)).hasSize(i);
      assertThat(engine.gate().stats().requests()).isEqualTo(5 - i);
    }
    assertThat(waiting).allMatch(each -> each.told.equals(List.of("failed")));
    expectTheOtherToFinish();
  }

  /// Nothing runs and nothing can: only the clock wakes the engine.
  @Test
  void wakesForADeadlineThoughThereIsNothingToCompute() throws InterruptedException {
    try (Engine threaded =
            new Engine(new EngineSettings(10, 32, 2), model, slab, System::nanoTime);
        KvLease all = slab.lease(16 * 16, 0, 32).orElseThrow()) {
      assertThat(all.numComputedTokens()).isZero();
      threaded.start();
      Deadlines deadlines =
          Deadlines.after(System.nanoTime(), Duration.ofMillis(50), Duration.ofMinutes(1));
      threaded.submit(
          Requests.withDeadlines(Requests.request(Requests.prompt(2, 5), 30, listener), deadlines));
      assertThat(listener.end.await(20, TimeUnit.SECONDS)).isTrue();
      expectTimeLimit(Limit.QUEUE_TIME);
      assertThat(Deadlines.isPast(deadlines.admitBy(), System.nanoTime())).isTrue();
    }
  }

  @Test
  void momentsAreComparedWhereverTheClockStarts() {
    long came = Long.MAX_VALUE - 500;
    Deadlines deadlines = Deadlines.after(came, Duration.ofNanos(400), Duration.ofNanos(1000));
    assertThat(Deadlines.isPast(deadlines.admitBy(), came + 399)).isFalse();
    assertThat(Deadlines.isPast(deadlines.admitBy(), came + 400)).isTrue();
    assertThat(Deadlines.isPast(deadlines.endBy(), came + 400)).isFalse();
    assertThat(Deadlines.isPast(deadlines.endBy(), came + 1000)).isTrue();
    assertThat(Deadlines.earlier(deadlines.admitBy(), deadlines.endBy()))
        .isEqualTo(Deadlines.earlier(deadlines.endBy(), deadlines.admitBy()))
        .isEqualTo(deadlines.admitBy());
    assertThat(Deadlines.earlier(Deadlines.NEVER, -7)).isEqualTo(-7);
    assertThat(Deadlines.isPast(Deadlines.NEVER, -7)).isFalse();
  }
}
