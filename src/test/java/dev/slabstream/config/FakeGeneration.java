package dev.slabstream.config;

import dev.slabstream.engine.FinishReason;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationEvent.TokenInfo;
import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import dev.slabstream.generation.Sessions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/// A generation service that plays what a test wrote down, for tests of the edge alone. It
/// remembers what it was asked.
public final class FakeGeneration implements GenerationService, Sessions {
  private final Map<String, SessionInfo> sessions = new ConcurrentHashMap<>();
  public final List<GenerateRequest> requests = new CopyOnWriteArrayList<>();
  public volatile @Nullable String lastSession;
  private volatile BiFunction<GenerateRequest, @Nullable String, Flux<GenerationEvent>> script =
      (_, _) -> hello(null);

  /// What the next requests get.
  public void play(Flux<GenerationEvent> events) {
    script = (_, _) -> events;
  }

  /// Two tokens and the end of the text.
  public static Flux<GenerationEvent> hello(@Nullable Long seed) {
    return Flux.just(
        new GenerationEvent.Started(5, seed),
        token(1, 198, "\n", -0.69f, false),
        token(2, 15339, "héllo \"🙂\"", -1.5f, true),
        new GenerationEvent.Finished(
            "\nhéllo \"🙂\"", FinishReason.LENGTH, 2, 5, 3, seed, List.of()));
  }

  public static GenerationEvent.Token token(
      int index, int id, String text, float logprob, boolean last) {
    return new GenerationEvent.Token(
        index, new TokenInfo(id, text, logprob, false), List.of(), last);
  }

  @Override
  public synchronized Flux<GenerationEvent> generate(
      GenerateRequest request, @Nullable String sessionId) {
    requests.add(request);
    lastSession = sessionId;
    if (sessionId != null && !sessions.containsKey(sessionId)) {
      return Flux.error(unknown(sessionId));
    }
    return script.apply(request, sessionId);
  }

  @Override
  public ServiceLimits limits() {
    return new ServiceLimits(511, 512, 100, 4, 5, 64);
  }

  @Override
  public SessionInfo create(GenerateParameters defaults) {
    Instant now = Instant.parse("2026-01-02T03:04:05Z");
    String id = "session-" + (sessions.size() + 1);
    SessionInfo session =
        new SessionInfo(id, now, now, Duration.ofMinutes(30), defaults, false, 0, 0, 0);
    sessions.put(id, session);
    return session;
  }

  @Override
  public SessionInfo get(String id) {
    SessionInfo session = sessions.get(id);
    if (session == null) {
      throw unknown(id);
    }
    return session;
  }

  @Override
  public void delete(String id) {
    if (sessions.remove(id) == null) {
      throw unknown(id);
    }
  }

  @Override
  public int size() {
    return sessions.size();
  }

  private static GenerationException unknown(String id) {
    return new GenerationException(
        ErrorType.SESSION_NOT_FOUND, "there is no session " + id, "session", null, null);
  }
}
