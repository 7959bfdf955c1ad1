package dev.slabstream.engine;

/// A submitted sequence, seen by its owner.
public interface SequenceHandle {
  /// Asks for its end. Any thread; effective within one step; harmless when it has ended already.
  void cancel();
}
