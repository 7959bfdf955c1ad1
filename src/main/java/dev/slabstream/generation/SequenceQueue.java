package dev.slabstream.generation;

import dev.slabstream.engine.Engine;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.kvcache.CacheScope;

/// The engine's entrance, as [Engine] has it.
public interface SequenceQueue {
  /// @throws OverloadedException when the queue is full
  /// @throws IllegalStateException when the engine is closed
  SequenceHandle submit(SequenceRequest request);

  /// Lets nothing stay that was cached in `scope`.
  void forget(CacheScope scope);

  static SequenceQueue of(Engine engine) {
    return new SequenceQueue() {
      @Override
      public SequenceHandle submit(SequenceRequest request) {
        return engine.submit(request);
      }

      @Override
      public void forget(CacheScope scope) {
        engine.forget(scope);
      }
    };
  }
}
