package dev.slabstream.generation;

import org.slf4j.Logger;
import org.slf4j.event.Level;

/// A log that nobody fails for.
final class Guarded {
  private Guarded() {}

  /// Logs what was thrown at somebody who goes on. Throws nothing: when memory runs out, it does so for the log as well.
  static void log(Logger log, Level level, String what, Throwable thrown) {
    try {
      log.atLevel(level).setCause(thrown).log(what);
    } catch (Throwable e) {
      // There is no one left to tell.
    }
  }
}
