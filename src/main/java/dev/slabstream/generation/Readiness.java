package dev.slabstream.generation;

/// Whether new requests should be sent here. Not the same as whether they are taken: a service that
/// is about to end says no first, and takes what comes until the senders have heard.
@FunctionalInterface
public interface Readiness {
  /// Returns if so.
  ///
  /// @throws GenerationException LOADING or DRAINING, with the reason
  void check();
}
