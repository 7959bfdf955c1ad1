package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.SequenceHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

class ReaderPaceTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final List<String> told = new ArrayList<>();
  private final ReaderPace pace =
      new ReaderPace(4, LIMIT, time, this::now, () -> told.add("too slow"));

  private final SequenceHandle sequence =
      new SequenceHandle() {
        @Override
        public void cancel() {
          told.add("cancel");
        }

        @Override
        public void pause() {
          told.add("pause");
        }

        @Override
        public void resume() {
          told.add("resume");
        }
      };

  private long now() {
    return time.now(TimeUnit.NANOSECONDS);
  }

  private void handOut(int events) {
    for (int i = 0; i < events; i++) {
      pace.handedOut();
    }
  }

  private void take(int events) {
    for (int i = 0; i < events; i++) {
      pace.taken();
    }
  }

  @Test
  void pausesOnceTooManyWaitAndResumesOnceAtHalf() {
    pace.submitted(sequence);
    handOut(4);
    assertThat(told).isEmpty();
    handOut(3);
    assertThat(told).containsExactly("pause");
    take(4);
    assertThat(told).containsExactly("pause");
    take(3);
    assertThat(told).containsExactly("pause", "resume");
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).as("the timer is gone").containsExactly("pause", "resume");
  }

  @Test
  void pausesASequenceWhoseHandleComesLate() {
    handOut(5);
    assertThat(told).isEmpty();
    pace.submitted(sequence);
    assertThat(told).containsExactly("pause");
  }

  @Test
  void resumedBeforeTheHandleCameItWasNeverPaused() {
    handOut(5);
    take(5);
    pace.submitted(sequence);
    assertThat(told).isEmpty();
  }

  @Test
  void onlyAPauseWithoutABreakIsTooLong() {
    pace.submitted(sequence);
    for (int i = 0; i < 3; i++) {
      handOut(5);
      time.advanceTimeBy(LIMIT.minusMillis(1));
      take(5);
    }
    assertThat(told).containsExactly("pause", "resume", "pause", "resume", "pause", "resume");
    handOut(5);
    time.advanceTimeBy(LIMIT.minusMillis(1));
    take(1);
    time.advanceTimeBy(Duration.ofMillis(1));
    assertThat(told).endsWith("pause", "too slow");
  }

  @Test
  void whoTakesEverythingIsNotWaitedFor() {
    pace.submitted(sequence);
    pace.unbounded();
    handOut(100);
    assertThat(told).isEmpty();
  }

  @Test
  void whoAsksForEverythingAtLastResumes() {
    pace.submitted(sequence);
    handOut(5);
    pace.unbounded();
    assertThat(told).containsExactly("pause", "resume");
    handOut(100);
    time.advanceTimeBy(LIMIT);
    assertThat(told).containsExactly("pause", "resume");
  }

  @Test
  void whatIsOverIsNotPaused() {
    pace.submitted(sequence);
    handOut(5);
    pace.end();
    handOut(5);
    take(10);
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).containsExactly("pause");
  }

  @Test
  void ofWhatIsOverHalfABufferIsToBeTakenInTheTimeOfAPause() {
    handOut(5);
    pace.end();
    handOut(1);
    for (int i = 0; i < 2; i++) {
      take(2);
      time.advanceTimeBy(LIMIT);
      assertThat(told).isEmpty();
    }
    take(1);
    time.advanceTimeBy(LIMIT.minusMillis(1));
    assertThat(told).isEmpty();
    time.advanceTimeBy(Duration.ofMillis(1));
    assertThat(told).containsExactly("too slow");
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).as("once").containsExactly("too slow");
  }

  @Test
  void theLastEventIsWaitedForToo() {
    pace.end();
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).as("nothing waits").isEmpty();
    handOut(1);
    time.advanceTimeBy(LIMIT);
    assertThat(told).containsExactly("too slow");
  }

  @Test
  void aPauseGoesOnBeingTimedWhenTheSequenceIsOver() {
    pace.submitted(sequence);
    handOut(5);
    time.advanceTimeBy(LIMIT.minusMillis(1));
    pace.end();
    take(1);
    time.advanceTimeBy(LIMIT);
    assertThat(told).containsExactly("pause", "too slow");
  }

  @Test
  void whoHasGoneIsNotWaitedFor() {
    handOut(5);
    pace.stop();
    pace.end();
    handOut(1);
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).isEmpty();
    assertThat(time.getScheduledTaskCount()).isEqualTo(1);
  }

  @Test
  void whoTakesEverythingIsNotWaitedForInTheEndEither() {
    pace.unbounded();
    handOut(5);
    pace.end();
    time.advanceTimeBy(LIMIT.multipliedBy(2));
    assertThat(told).isEmpty();
  }

  @Test
  void theTimeOfAPauseIsNobodysLatency() {
    pace.submitted(sequence);
    long token = now();
    time.advanceTimeBy(Duration.ofMillis(5));
    assertThat(pace.withoutPause(token, now())).isEqualTo(5_000_000);
    handOut(5);
    time.advanceTimeBy(Duration.ofSeconds(20));
    take(3);
    time.advanceTimeBy(Duration.ofMillis(7));
    assertThat(pace.withoutPause(token, now())).isEqualTo(7_000_000);
    long next = now();
    time.advanceTimeBy(Duration.ofMillis(6));
    assertThat(pace.withoutPause(next, now())).isEqualTo(6_000_000);
  }

  /// A timer that fires although it was stopped: its thread was under way already.
  private static final class Unstoppable implements Scheduler {
    private final List<Runnable> timers = new ArrayList<>();

    @Override
    public Disposable schedule(Runnable task) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      timers.add(task);
      return Disposables.single();
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void aClientThatHasCaughtUpIsNotCutOffByATimerThatWasUnderWay() {
    Unstoppable timers = new Unstoppable();
    ReaderPace late = new ReaderPace(4, LIMIT, timers, () -> 0, () -> told.add("too slow"));
    late.submitted(sequence);
    for (int i = 0; i < 5; i++) {
      late.handedOut();
    }
    for (int i = 0; i < 3; i++) {
      late.taken();
    }
    timers.timers.get(0).run();
    assertThat(told).containsExactly("pause", "resume");
    for (int i = 0; i < 3; i++) {
      late.handedOut();
    }
    timers.timers.get(0).run();
    assertThat(told).as("nor in a later pause").containsExactly("pause", "resume", "pause");
    timers.timers.get(1).run();
    for (int i = 0; i < 5; i++) {
      late.taken();
    }
    assertThat(told).containsExactly("pause", "resume", "pause", "too slow");
  }
}
