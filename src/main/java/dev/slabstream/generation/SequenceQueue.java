package dev.slabstream.generation;

import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;

/// The engine's entrance, as [dev.slabstream.engine.Engine#submit] has it.
@FunctionalInterface
public interface SequenceQueue {
  /// @throws OverloadedException when the queue is full
  /// @throws IllegalStateException when the engine is closed
  SequenceHandle submit(SequenceRequest request);
}
