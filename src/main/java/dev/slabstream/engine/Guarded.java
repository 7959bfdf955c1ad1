package dev.slabstream.engine;

import java.lang.System.Logger.Level;

/// A log that nobody fails for.
final class Guarded {
  private Guarded() {}

  /// Logs what was thrown at somebody who goes on. Throws nothing: when memory runs out, it does so for the log as well.
  static void log(System.Logger log, Level level, String what, Throwable thrown) {
    try {
      log.log(level, what, thrown);
    } catch (Throwable e) {
      // There is no one left to tell.
    }
  }
}
