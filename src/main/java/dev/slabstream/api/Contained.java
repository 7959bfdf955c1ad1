package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps an [Error] within its request. Reactor takes an [OutOfMemoryError], a [StackOverflowError]
/// or a [LinkageError] in a step of a stream for the end of the JVM and signals it to nobody: a
/// client would wait for ever.
final class Contained {
  private static final Logger log = LoggerFactory.getLogger(Contained.class);

  private Contained() {}

  /// What `work` gives.
  ///
  /// @throws GenerationException INTERNAL when it threw an error; exceptions are thrown as they are
  static <T> T call(Supplier<T> work) {
    try {
      return work.get();
    } catch (Error e) {
      log.error("An error ends a request", e);
      throw new GenerationException(ErrorType.INTERNAL, "an internal error");
    }
  }

  /// As above, for work that gives nothing.
  static void run(Runnable work) {
    call(
        () -> {
          work.run();
          return true;
        });
  }
}
