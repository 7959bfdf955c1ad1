package dev.slabstream.generation;

import dev.slabstream.engine.FinishReason;

/// How a request ended.
public sealed interface GenerationOutcome {
  /// The text is complete.
  record Completed(FinishReason reason) implements GenerationOutcome {}

  /// It never got into the engine.
  record Refused(ErrorType type) implements GenerationOutcome {}

  /// It went wrong on the way.
  record Failed(ErrorType type) implements GenerationOutcome {}

  /// It was ended early.
  ///
  record Cancelled(Stage stage, By by) implements GenerationOutcome {}

  /// Who, or what, ended a request early.
  enum By {
    /// The client went away.
    CLIENT,
    /// The server: session deleted, shutdown.
    SERVER,
    /// The server, because the client did not read.
    SLOW_CLIENT
  }

  /// Where a request was when it was cancelled.
  enum Stage {
    TOKENIZING,
    QUEUED,
    PREFILL,
    DECODE
  }
}
