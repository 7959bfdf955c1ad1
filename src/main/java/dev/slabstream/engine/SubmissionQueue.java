package dev.slabstream.engine;

import java.util.ArrayDeque;
import java.util.Deque;

/// Where sequences enter, from any thread; the engine's thread takes them out. Bounded by all that wait for admission, whether
/// they are still in here or already with the scheduler.
///
/// Not final, so that a test can do something at a moment that other threads rarely meet.
class SubmissionQueue {
  private final int maxWaiting;
  private final Deque<Sequence> entered = new ArrayDeque<>();
  private int numWaiting;
  private boolean closed;

  SubmissionQueue(int maxWaiting) {
    this.maxWaiting = maxWaiting;
  }

  /// @return false when too many wait
  /// @throws IllegalStateException when closed
  synchronized boolean offer(Sequence sequence) {
    if (closed) {
      throw new IllegalStateException("the engine takes no more sequences: it is shutting down");
    }
    if (numWaiting >= maxWaiting) {
      return false;
    }
    numWaiting++;
    entered.add(sequence);
    return true;
  }

  /// Moves what has entered to `waiting`, in order. The sequences count as waiting until [#left].
  synchronized void drainTo(Deque<Sequence> waiting) {
    Sequence sequence;
    while ((sequence = entered.peek()) != null) {
      waiting.add(sequence);
      entered.remove();
    }
  }

  /// A drained sequence waits no longer.
  synchronized void left() {
    numWaiting--;
  }

  /// Refuses whatever comes from now on.
  synchronized void close() {
    closed = true;
  }

  synchronized int numWaiting() {
    return numWaiting;
  }
}
