package dev.slabstream.engine;

import dev.slabstream.kvcache.ResetCause;

/// How a sequence ended.
public sealed interface Outcome {
  record Finished(FinishReason reason) implements Outcome {}

  record Failed(Throwable cause) implements Outcome {}

  record Cancelled() implements Outcome {}

  /// What the slab's statistics call it.
  default ResetCause resetCause() {
    return switch (this) {
      case Finished _ -> ResetCause.FINISHED;
      case Failed _ -> ResetCause.FAILED;
      case Cancelled _ -> ResetCause.CANCELLED;
    };
  }
}
