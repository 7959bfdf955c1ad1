package dev.slabstream.generation;

import java.time.Duration;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/// Requests that are not done with, and whose end can be waited for. Thread-safe; to take one out needs no memory.
final class OpenGenerations implements Iterable<Generation> {
  private final Set<Generation> open = ConcurrentHashMap.newKeySet();

  void add(Generation generation) {
    open.add(generation);
  }

  /// Harmless when it is not there.
  synchronized void remove(Generation generation) {
    open.remove(generation);
    notifyAll();
  }

  int size() {
    return open.size();
  }

  /// Waits until there is none; false when that took longer than `timeout`.
  synchronized boolean awaitNone(Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!open.isEmpty()) {
      long leftMillis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (leftMillis <= 0) {
        return false;
      }
      wait(leftMillis);
    }
    return true;
  }

  @Override
  public Iterator<Generation> iterator() {
    return open.iterator();
  }
}
