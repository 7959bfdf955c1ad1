package dev.slabstream.generation;

import java.time.Duration;
import java.time.Instant;

/// The sessions: each has a generator of its own, default parameters, and one request in flight at
/// most. Thread-safe.
public interface Sessions {
  /// @param requests requests begun so far
  /// @param generatedTokens tokens generated so far
  /// @param cachedTokens prompt tokens so far that were not computed, because earlier requests had
  record SessionInfo(
      String id,
      Instant createdAt,
      Instant lastUsedAt,
      Duration idleTimeout,
      GenerateParameters defaults,
      boolean busy,
      long requests,
      long generatedTokens,
      long cachedTokens) {}

  /// Opens a session with an unguessable id.
  ///
  /// @throws GenerationException TOO_MANY_SESSIONS at the maximum, VALIDATION for bad defaults
  SessionInfo create(GenerateParameters defaults);

  /// @throws GenerationException SESSION_NOT_FOUND
  SessionInfo get(String id);

  /// Closes a session and cancels its request in flight.
  ///
  /// @throws GenerationException SESSION_NOT_FOUND
  void delete(String id);

  /// How many are open.
  int size();
}
