package dev.slabstream.generation;

import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationOutcome.Cancelled;
import dev.slabstream.generation.GenerationOutcome.Completed;
import dev.slabstream.generation.GenerationOutcome.Failed;
import dev.slabstream.generation.GenerationOutcome.Refused;
import dev.slabstream.generation.GenerationOutcome.Stage;
import org.jspecify.annotations.Nullable;

/// How a request ended, and what its client is told of it: either the last event or a failure.
record Ending(
    GenerationOutcome outcome, @Nullable Finished last, @Nullable GenerationException failure) {
  /// For when there is no memory for another one.
  static final GenerationException NO_MEMORY =
      GenerationException.shared(ErrorType.GENERATION, "the generation failed");

  /// For when there is no memory for another one.
  static final Ending OUT_OF_MEMORY = failed(NO_MEMORY);

  static Ending completed(Finished last) {
    return new Ending(new Completed(last.reason()), last, null);
  }

  static Ending refused(GenerationException refusal) {
    return new Ending(new Refused(refusal.type()), null, refusal);
  }

  static Ending failed(GenerationException failure) {
    return new Ending(new Failed(failure.type()), null, failure);
  }

  static Ending cancelled(Cancellation why, Stage stage) {
    return new Ending(new Cancelled(stage, why.by()), null, why.told());
  }
}
