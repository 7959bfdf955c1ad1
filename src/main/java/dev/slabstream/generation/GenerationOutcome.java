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
  /// @param byClient whether the client went away; else the server did it: session deleted,
  ///     shutdown
  record Cancelled(Stage stage, boolean byClient) implements GenerationOutcome {}

  /// Where a request was when it was cancelled.
  enum Stage {
    TOKENIZING,
    QUEUED,
    PREFILL,
    DECODE
  }
}
