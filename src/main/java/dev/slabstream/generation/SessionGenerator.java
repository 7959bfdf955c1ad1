package dev.slabstream.generation;

import dev.slabstream.generation.Sessions.SessionInfo;
import dev.slabstream.kvcache.CacheScope;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// The generator of one session: its defaults, its counters, and the one request in flight. Lives
/// from the session's creation to its deletion or expiry; without a session, as long as the
/// request. Thread-safe.
final class SessionGenerator {
  private final String id;
  private final GenerateParameters defaults;
  private final @Nullable CacheScope cacheScope;
  private final Clock clock;
  private final Instant createdAt;

  // All guarded by this.
  private Instant lastUsedAt;
  private @Nullable Generation inFlight;
  private boolean closed;
  private long requests;
  private long generatedTokens;
  private long cachedTokens;

  /// @param cacheScope whose cached blocks its requests may begin with; null = nobody's
  SessionGenerator(
      String id, GenerateParameters defaults, @Nullable CacheScope cacheScope, Clock clock) {
    this.id = id;
    this.defaults = defaults;
    this.cacheScope = cacheScope;
    this.clock = clock;
    this.createdAt = clock.instant();
    this.lastUsedAt = createdAt;
  }

  String id() {
    return id;
  }

  @Nullable CacheScope cacheScope() {
    return cacheScope;
  }

  GenerateParameters defaults() {
    return defaults;
  }

  /// Takes the one place for `generation`.
  ///
  /// @throws GenerationException SESSION_BUSY when it is taken, SESSION_NOT_FOUND when the session
  ///     was closed meanwhile
  synchronized void begin(Generation generation) {
    if (closed) {
      throw notFound();
    }
    if (inFlight != null) {
      throw new GenerationException(
          ErrorType.SESSION_BUSY, "the session has a request in flight; it takes one at a time");
    }
    inFlight = generation;
    requests++;
    lastUsedAt = clock.instant();
  }

  /// Gives the place back; does nothing when `generation` does not hold it.
  synchronized void end(Generation generation) {
    if (inFlight == generation) {
      inFlight = null;
      generatedTokens += generation.generatedTokens();
      cachedTokens += generation.cachedTokens();
      lastUsedAt = clock.instant();
    }
  }

  /// Lets nothing begin any more; false when it was closed before. A request in flight goes on.
  synchronized boolean close() {
    boolean open = !closed;
    closed = true;
    return open;
  }

  /// Closes it if nothing is in flight and nothing was since `deadline`.
  synchronized boolean closeIfIdleSince(Instant deadline) {
    return inFlight == null && !lastUsedAt.isAfter(deadline) && close();
  }

  synchronized @Nullable Generation inFlight() {
    return inFlight;
  }

  synchronized SessionInfo info(Duration idleTimeout) {
    Generation running = inFlight;
    return new SessionInfo(
        id,
        createdAt,
        lastUsedAt,
        idleTimeout,
        defaults,
        running != null,
        requests,
        generatedTokens + (running == null ? 0 : running.generatedTokens()),
        cachedTokens + (running == null ? 0 : running.cachedTokens()));
  }

  static GenerationException notFound() {
    return new GenerationException(
        ErrorType.SESSION_NOT_FOUND, "no such session: it never was, was deleted or has expired");
  }
}
