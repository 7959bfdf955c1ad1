package dev.slabstream.engine;

/// A submitted sequence, seen by its owner.
public interface SequenceHandle {
  /// Asks for its end. Any thread; effective within one step; harmless when it has ended already.
  void cancel();

  /// Asks that nothing be computed for it until [#resume()], because nobody takes what it says. It keeps its lease and its place
  /// among those that run. Any thread; effective with the next step; harmless when it is
  /// paused or has ended already.
  void pause();

  /// Lets it compute again. Any thread; harmless when it is not paused or has ended already.
  void resume();
}
