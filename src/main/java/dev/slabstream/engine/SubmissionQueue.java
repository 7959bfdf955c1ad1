package dev.slabstream.engine;

import java.util.ArrayDeque;
import java.util.Deque;

/// Where sequences enter, from any thread; the engine's thread takes them out. What bounds it is the [AdmissionGate]: each sequence
/// in here has its place.
///
/// Not final, so that a test can do something at a moment that other threads rarely meet.
class SubmissionQueue {
  private final Deque<Sequence> entered = new ArrayDeque<>();
  private int numWaiting;
  private boolean closed;

  /// @throws IllegalStateException when closed
  synchronized void add(Sequence sequence) {
    if (closed) {
      throw new IllegalStateException("the engine takes no more sequences: it is shutting down");
    }
    entered.add(sequence);
    numWaiting++;
  }

  /// Moves what has entered to `waiting`, in order. The sequences count as waiting until [#left].
  ///
  /// @return the first moment at which the time of one of them is over
  synchronized long drainTo(Deque<Sequence> waiting) {
    long deadline = Deadlines.NEVER;
    Sequence sequence;
    while ((sequence = entered.peek()) != null) {
      waiting.add(sequence);
      entered.remove();
      deadline = Deadlines.earlier(deadline, sequence.deadline());
    }
    return deadline;
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
