package dev.slabstream.generation;

import dev.slabstream.engine.SequenceHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/// Keeps one sequence from running ahead of a client that does not read, so that what waits for the
/// client is bounded.
///
/// Counts the events that were handed out and not taken yet. More than `maxWaiting` of them pause
/// the sequence: it computes nothing and keeps its lease. It resumes when half of that is left, so
/// that it does not stop and go with every event. A pause that lasts `timeout` without a break ends
/// the request.
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
  private boolean unbounded;
  private boolean ended;
  private @Nullable Disposable pause;
  private long pauses;
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
    if (pause != null) {
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
    if (waiting <= maxWaiting || pause != null || unbounded || ended) {
      return;
    }
    if (sequence != null) {
      sequence.pause();
    }
    long number = ++pauses;
    pause = timers.schedule(() -> over(number), timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  /// The time of a pause is over; unless that pause is, when the timer could not be stopped any more.
  private void over(long number) {
    synchronized (this) {
      if (pause == null || number != pauses) {
        return;
      }
      // From here on nothing that the subscriber takes resumes it.
      pause = null;
      ended = true;
    }
    tooSlow.run();
  }

  /// The subscriber has taken an event.
  synchronized void taken() {
    waiting--;
    if (waiting <= maxWaiting / 2) {
      resume();
    }
  }

  private void resume() {
    Disposable timer = pause;
    if (timer == null) {
      return;
    }
    pause = null;
    timer.dispose();
    resumedNanos = nanoClock.getAsLong();
    resumedBefore = true;
    if (sequence != null) {
      sequence.resume();
    }
  }

  /// The sequence is over, or nobody subscribes any more.
  synchronized void end() {
    ended = true;
    Disposable timer = pause;
    if (timer != null) {
      pause = null;
      timer.dispose();
    }
  }

  /// Of the time since `sinceNanos`, what came after the last pause.
  synchronized long withoutPause(long sinceNanos, long nowNanos) {
    long nanos = nowNanos - sinceNanos;
    return resumedBefore ? Math.min(nanos, nowNanos - resumedNanos) : nanos;
  }
}
