package dev.slabstream.generation;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// The sessions of this process; they end with it. Thread-safe.
///
/// A session expires when nothing was in flight for the idle timeout: what it did last counts,
/// looking at it does not. Expired ones go when they are asked for, when a place is needed, and in
/// the sweep, which somebody has to call now and then.
final class InMemorySessions implements Sessions {
  private static final int ID_BYTES = 24;

  private final int max;
  private final Duration idleTimeout;
  private final ParameterValidator validator;
  private final CacheScopes cacheScopes;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  private final Map<String, SessionGenerator> open = new ConcurrentHashMap<>();
  // Places taken: counted apart from the map, so that two threads cannot both take the last one.
  private final AtomicInteger places = new AtomicInteger();
  private final AtomicLong created = new AtomicLong();
  private final AtomicLong expired = new AtomicLong();
  private final AtomicLong deleted = new AtomicLong();

  InMemorySessions(
      GenerationSettings settings,
      ParameterValidator validator,
      CacheScopes cacheScopes,
      Clock clock) {
    this.max = settings.maxSessions();
    this.idleTimeout = settings.sessionIdleTimeout();
    this.validator = validator;
    this.cacheScopes = cacheScopes;
    this.clock = clock;
  }

  @Override
  public SessionInfo create(GenerateParameters defaults) {
    ValidParameters unused = validator.validate(defaults);
    // Made before it takes its place: what fails here has taken nothing.
    String id = newId();
    SessionGenerator generator = new SessionGenerator(id, defaults, cacheScopes.ofSession(), clock);
    SessionInfo info = generator.info(idleTimeout);
    requirePlace();
    try {
      open.put(id, generator);
    } catch (Throwable e) {
      open.remove(id);
      places.decrementAndGet();
      throw e;
    }
    created.incrementAndGet();
    return info;
  }

  private void requirePlace() {
    if (takePlace()) {
      return;
    }
    sweep();
    if (!takePlace()) {
      throw new GenerationException(
          ErrorType.TOO_MANY_SESSIONS, "all %d sessions are in use".formatted(max), null, max, max);
    }
  }

  @Override
  public SessionInfo get(String id) {
    return find(id).info(idleTimeout);
  }

  @Override
  public void delete(String id) {
    SessionGenerator generator = find(id);
    if (!generator.close()) {
      throw SessionGenerator.notFound();
    }
    Generation running = generator.inFlight();
    if (running != null) {
      running.cancel(Cancellation.SESSION_DELETED);
    }
    forget(generator, deleted);
  }

  @Override
  public int size() {
    sweep();
    return open.size();
  }

  /// The generator of an open session.
  ///
  /// @throws GenerationException SESSION_NOT_FOUND
  SessionGenerator find(String id) {
    SessionGenerator generator = open.get(id);
    if (generator == null || expire(id, generator, idleDeadline())) {
      throw SessionGenerator.notFound();
    }
    return generator;
  }

  /// Closes the sessions whose time is over.
  void sweep() {
    Instant deadline = idleDeadline();
    open.forEach((id, generator) -> expire(id, generator, deadline));
  }

  SessionStats stats() {
    int busy = 0;
    for (SessionGenerator generator : open.values()) {
      busy += generator.inFlight() != null ? 1 : 0;
    }
    return new SessionStats(open.size(), busy, created.get(), expired.get(), deleted.get());
  }

  private boolean expire(String id, SessionGenerator generator, Instant deadline) {
    boolean over = generator.closeIfIdleSince(deadline);
    if (over) {
      forget(generator, expired);
    }
    return over;
  }

  /// Once for each session, by whoever closed it.
  private void forget(SessionGenerator generator, AtomicLong counter) {
    open.remove(generator.id());
    places.decrementAndGet();
    counter.incrementAndGet();
    cacheScopes.ended(generator.cacheScope());
  }

  private boolean takePlace() {
    return places.getAndUpdate(taken -> taken < max ? taken + 1 : taken) < max;
  }

  private Instant idleDeadline() {
    return clock.instant().minus(idleTimeout);
  }

  private String newId() {
    byte[] bytes = new byte[ID_BYTES];
    random.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
