package dev.slabstream.generation;

import dev.slabstream.engine.SequenceTimes;
import org.jspecify.annotations.Nullable;

/// Is told what happens to requests, to make meters of it. Called by several threads at once.
/// [#ended(Report)] may run on the engine's thread, once for each request: it records and returns.
/// What it throws is logged and changes nothing.
public interface GenerationObserver {
  /// Observes nothing.
  GenerationObserver NONE = new GenerationObserver() {};

  /// The first token of a request is there, this long after the request came. Told as its event is
  /// handed out, off the engine's thread; not told when the client went away before.
  default void firstToken(long nanos) {}

  /// A further token is there, this long after the one before it (as sampled, not as delivered).
  default void nextToken(long nanos) {}

  /// A request ended, and its session is free again; its client does not know yet. Exactly once for
  /// every request, refused ones included.
  default void ended(Report report) {}

  /// @param promptTokens 0 when it did not come to be tokenized
  /// @param totalNanos since the request came
  /// @param times the engine's record; null when it did not get there
  record Report(
      GenerationOutcome outcome,
      int promptTokens,
      int generatedTokens,
      long totalNanos,
      @Nullable SequenceTimes times) {}
}
