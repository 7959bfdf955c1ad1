package dev.slabstream.engine;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.LanguageModel;
import java.util.function.LongSupplier;

/// Advances all running sequences together.
public final class Engine implements AutoCloseable {
  public Engine(
      EngineSettings settings, LanguageModel model, KvSlab slab, LongSupplier nanoClock) {}

  /// Puts a sequence in the queue. Any thread.
  ///
  /// @throws OverloadedException when the queue is full
  /// @throws IllegalStateException when the engine is closed
  public SequenceHandle submit(SequenceRequest request) {
    throw new IllegalStateException();
  }

  /// One step on the calling thread: for tests, which then never call [#start()].
  ///
  /// @return the number of tokens computed and sequences ended; 0 = idle
  public int step() {
    throw new IllegalStateException();
  }

  /// Starts the engine's thread.
  public void start() {}

  public EngineStats stats() {
    throw new IllegalStateException();
  }

  /// Cancels whatever is queued or running, and ends the thread. Every lease is back when it returns.
  @Override
  public void close() {}
}
