package dev.slabstream.generation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
    guarded(() -> observer.firstToken(nanos));
  }

  @Override
  public void nextToken(long nanos) {
    guarded(() -> observer.nextToken(nanos));
  }

  @Override
  public void ended(Report report) {
    guarded(() -> observer.ended(report));
  }

  private static void guarded(Runnable call) {
    try {
      call.run();
    } catch (Throwable e) {
      try {
        log.warn("The observer of generations failed", e);
      } catch (Throwable alsoLost) {
        // When memory runs out, it does so for the log as well.
      }
    }
  }
}
