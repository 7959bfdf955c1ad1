package dev.slabstream.generation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Keeps what an observer throws away from the request that it observes, an
/// [Error] too.
final class GuardedObserver implements GenerationObserver {
  private static final Logger log = LoggerFactory.getLogger(GuardedObserver.class);

  private final GenerationObserver observer;

  GuardedObserver(GenerationObserver observer) {
    this.observer = observer;
  }

  @Override
  public void firstToken(long nanos) {
    try {
      observer.firstToken(nanos);
    } catch (Throwable e) {
      failed(e);
    }
  }

  @Override
  public void nextToken(long nanos) {
    try {
      observer.nextToken(nanos);
    } catch (Throwable e) {
      failed(e);
    }
  }

  @Override
  public void ended(Report report) {
    try {
      observer.ended(report);
    } catch (Throwable e) {
      failed(e);
    }
  }

  private static void failed(Throwable thrown) {
    Guarded.log(log, Level.WARN, "The observer of generations failed", thrown);
  }
}
