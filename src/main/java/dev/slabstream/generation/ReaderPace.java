package dev.slabstream.generation;

import dev.slabstream.engine.SequenceHandle;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/// Keeps one sequence from running ahead of a client that does not read, so that what waits for the
/// client is bounded, and tells when it does not read for too long.
///
/// Counts the events that were handed out and not taken yet. More than `maxWaiting` of them pause
/// the sequence: it computes nothing and keeps its lease. It resumes when half of that is left, so
/// that it does not stop and go with every event. A pause that lasts `timeout` without a break ends
/// the request. What waits when the sequence is over is to be taken at the same pace: half of
/// `maxWaiting`, or all of it, in each `timeout`.
///
/// A subscriber that asked for everything takes it at its own pace and is never waited for: that is
/// a reply which is not streamed.
///
/// Events are handed out by the engine's thread and taken by the subscriber's. Both hold a lock for
/// the moment of counting, and no longer.
final class ReaderPace {
  private final int maxWaiting;
  private final Duration timeout;
  private final Scheduler timers;
  private final LongSupplier nanoClock;
  private final Runnable tooSlow;

  // All guarded by this.
  private @Nullable SequenceHandle sequence;
  private int waiting;
  private long numTaken;
  private boolean unbounded;

  /// The sequence is over.
  private boolean ended;

  /// Nobody is waited for any more.
  private boolean stopped;

  private boolean paused;

  /// Runs while the sequence is paused, or over with events that wait.
  private @Nullable Disposable timer;

  private long timersBegun;
  private long resumedNanos;
  private boolean resumedBefore;

  /// @param timers runs `tooSlow`, at most once
  ReaderPace(
      int maxWaiting,
      Duration timeout,
      Scheduler timers,
      LongSupplier nanoClock,
      Runnable tooSlow) {
    this.maxWaiting = maxWaiting;
    this.timeout = timeout;
    this.timers = timers;
    this.nanoClock = nanoClock;
    this.tooSlow = tooSlow;
  }

  /// The sequence can be told from now on; it may have handed out events before.
  synchronized void submitted(SequenceHandle handle) {
    sequence = handle;
    if (paused) {
      handle.pause();
    }
  }

  /// The subscriber takes whatever comes.
  synchronized void unbounded() {
    unbounded = true;
    resume();
  }

  /// An event is there for the subscriber.
  synchronized void handedOut() {
    waiting++;
    if (ended) {
      watchRest();
    } else if (waiting > maxWaiting && !paused && !unbounded && !stopped) {
      paused = true;
      if (sequence != null) {
        sequence.pause();
      }
      begin(() -> true);
    }
  }

  /// The subscriber has taken an event.
  synchronized void taken() {
    waiting--;
    numTaken++;
    if (waiting <= maxWaiting / 2) {
      resume();
    }
  }

  private void resume() {
    if (!paused) {
      return;
    }
    paused = false;
    stopTimer();
    resumedNanos = nanoClock.getAsLong();
    resumedBefore = true;
    if (sequence != null) {
      sequence.resume();
    }
  }

  /// The sequence is over. Its last event may be still to come.
  synchronized void end() {
    ended = true;
    paused = false;
    stopTimer();
    watchRest();
  }

  private void watchRest() {
    if (timer != null || waiting <= 0 || unbounded || stopped) {
      return;
    }
    long due = numTaken + Math.max(1, maxWaiting / 2);
    begin(() -> waiting > 0 && numTaken < due);
  }

  /// The subscriber has all there is, or has gone.
  synchronized void stop() {
    stopped = true;
    paused = false;
    stopTimer();
  }

  private void begin(BooleanSupplier isTooSlow) {
    long number = ++timersBegun;
    try {
      timer =
          timers.schedule(() -> over(number, isTooSlow), timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // The service has ended, and all streams with it.
    }
  }

  private void stopTimer() {
    Disposable running = timer;
    timer = null;
    if (running != null) {
      running.dispose();
    }
  }

  /// The time is over; unless the timer could not be stopped any more.
  private void over(long number, BooleanSupplier isTooSlow) {
    synchronized (this) {
      if (timer == null || number != timersBegun) {
        return;
      }
      timer = null;
      if (!isTooSlow.getAsBoolean()) {
        watchRest();
        return;
      }
      // From here on nothing that the subscriber takes resumes it.
      stop();
    }
    tooSlow.run();
  }

  /// Of the time since `sinceNanos`, what came after the last pause.
  synchronized long withoutPause(long sinceNanos, long nowNanos) {
    long nanos = nowNanos - sinceNanos;
    return resumedBefore ? Math.min(nanos, nowNanos - resumedNanos) : nanos;
  }
}
