package dev.slabstream.generation;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.Engine;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.kvcache.CacheScope;

/// The engine's entrance, as [Engine] has it.
public interface SequenceQueue {
  /// Where a request takes its place in the queue.
  AdmissionGate gate();

  /// @param place what the request waits on; the engine's from here on, but still the caller's when this throws
  /// @throws OverloadedException when the prompt is too long for the queue
  /// @throws IllegalStateException when the engine is closed
  SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place);

  /// Lets nothing stay that was cached in `scope`.
  void forget(CacheScope scope);

  static SequenceQueue of(Engine engine) {
    return new SequenceQueue() {
      @Override
      public AdmissionGate gate() {
        return engine.gate();
      }

      @Override
      public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
        return engine.submit(request, place);
      }

      @Override
      public void forget(CacheScope scope) {
        engine.forget(scope);
      }
    };
  }
}
