package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.generation.Sessions.SessionInfo;
import dev.slabstream.kvcache.CacheScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class InMemorySessionsTest {
  private static final int MAX = 5;
  private static final Duration IDLE = Duration.ofMinutes(1);

  private final Queue<CacheScope> forgotten = new ConcurrentLinkedQueue<>();
  private final TestClock clock = new TestClock();
  private final InMemorySessions sessions = sessions(clock);

  @Test
  void givesEverySessionAnUnguessableIdOfItsOwn() {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      String id = sessions.create(GenerateParameters.NONE).id();
      assertThat(Base64.getUrlDecoder().decode(id)).hasSizeGreaterThanOrEqualTo(16);
      ids.add(id);
      sessions.delete(id);
    }
    assertThat(ids).hasSize(100);
  }

  @Test
  void refusesBadDefaultsAndTakesNoPlaceForThem() {
    for (int i = 0; i <= MAX; i++) {
      assertRefused(
          ErrorType.VALIDATION,
          () -> sessions.create(ParametersBuilder.parameters(p -> p.topP(7.0))));
    }
    assertThat(sessions.size()).isZero();
    assertThat(sessions.create(GenerateParameters.NONE).busy()).isFalse();
  }

  @Test
  void memoryThatRunsOutWhereASessionIsMadeTakesNoPlace() {
    for (int i = 0; i < MAX; i++) {
      clock.hook.failAt(1);
      assertThatExceptionOfType(OutOfMemoryError.class)
          .isThrownBy(() -> sessions.create(GenerateParameters.NONE));
    }
    for (int i = 0; i < MAX; i++) {
      assertThat(sessions.create(GenerateParameters.NONE).busy()).isFalse();
    }
    assertThat(sessions.size()).isEqualTo(MAX);
  }

  @Test
  void keepsDefaultsThatTheCallerChangesLater() {
    List<String> stop = new ArrayList<>(List.of("x"));
    SessionInfo info = sessions.create(ParametersBuilder.parameters(p -> p.stop(stop)));
    stop.add("y");
    assertThat(sessions.get(info.id()).defaults().stop()).containsExactly("x");
  }

  @Test
  void refusesOneMoreThanTheMaximumUntilOneGoes() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < MAX; i++) {
      ids.add(sessions.create(GenerateParameters.NONE).id());
    }
    assertRefused(ErrorType.TOO_MANY_SESSIONS, () -> sessions.create(GenerateParameters.NONE));
    sessions.delete(ids.getFirst());
    assertThat(sessions.create(GenerateParameters.NONE).id()).isNotEmpty();
    assertRefused(ErrorType.TOO_MANY_SESSIONS, () -> sessions.create(GenerateParameters.NONE));
    // Those whose time is over make room without a sweep from outside.
    clock.advance(IDLE);
    assertThat(sessions.create(GenerateParameters.NONE).id()).isNotEmpty();
    assertThat(sessions.stats()).isEqualTo(new SessionStats(1, 0, MAX + 2, MAX, 1));
  }

  @Test
  void expiresASessionThatDidNothingForTheTimeout() {
    String id = sessions.create(GenerateParameters.NONE).id();
    clock.advance(IDLE.minusMillis(1));
    assertThat(sessions.get(id).idleTimeout()).isEqualTo(IDLE);
    clock.advance(Duration.ofMillis(1));
    assertRefused(ErrorType.SESSION_NOT_FOUND, () -> sessions.get(id));
    assertThat(sessions.stats()).isEqualTo(new SessionStats(0, 0, 1, 1, 0));
  }

  @Test
  void sweepsExpiredSessionsAway() {
    sessions.create(GenerateParameters.NONE);
    clock.advance(Duration.ofSeconds(30));
    String younger = sessions.create(GenerateParameters.NONE).id();
    clock.advance(Duration.ofSeconds(30));
    sessions.sweep();
    assertThat(sessions.stats()).isEqualTo(new SessionStats(1, 0, 2, 1, 0));
    assertThat(sessions.get(younger).id()).isEqualTo(younger);
  }

  @Test
  void doesNotKnowADeletedOrInventedSession() {
    String id = sessions.create(GenerateParameters.NONE).id();
    sessions.delete(id);
    assertRefused(ErrorType.SESSION_NOT_FOUND, () -> sessions.get(id));
    assertRefused(ErrorType.SESSION_NOT_FOUND, () -> sessions.delete(id));
    assertRefused(ErrorType.SESSION_NOT_FOUND, () -> sessions.get("../etc"));
  }

  @Test
  void neverHasMoreThanTheMaximumAndCountsEveryEndOnceUnderConcurrentUse() throws Exception {
    int threads = 8;
    AtomicInteger mostOpen = new AtomicInteger();
    AtomicInteger deletions = new AtomicInteger();
    Set<String> known = ConcurrentHashMap.newKeySet();
    CyclicBarrier start = new CyclicBarrier(threads);
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> running = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        Random random = new Random(t);
        running.add(
            pool.submit(
                () -> {
                  start.await();
                  for (int i = 0; i < 3_000; i++) {
                    use(random, known, deletions);
                    mostOpen.accumulateAndGet(sessions.stats().open(), Math::max);
                  }
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get(20, TimeUnit.SECONDS);
      }
    }
    SessionStats stats = sessions.stats();
    assertThat(mostOpen.get()).isBetween(2, MAX);
    assertThat(stats.deleted()).isEqualTo(deletions.get()).isPositive();
    assertThat(stats.expired()).isPositive();
    assertThat(stats.created()).isEqualTo(stats.open() + stats.expired() + stats.deleted());
    assertThat(forgotten).doesNotHaveDuplicates().hasSize((int) (stats.created() - stats.open()));
    // No place was lost or won.
    clock.advance(IDLE);
    for (int i = 0; i < MAX; i++) {
      sessions.create(GenerateParameters.NONE);
    }
    assertRefused(ErrorType.TOO_MANY_SESSIONS, () -> sessions.create(GenerateParameters.NONE));
  }

  private void use(Random random, Set<String> known, AtomicInteger deletions) {
    String any = known.stream().findAny().orElse("none");
    try {
      switch (random.nextInt(5)) {
        case 0, 1 -> known.add(sessions.create(GenerateParameters.NONE).id());
        case 2 -> {
          known.remove(any);
          sessions.delete(any);
          deletions.incrementAndGet();
        }
        case 3 -> assertThat(sessions.get(any).id()).isEqualTo(any);
        default -> {
          clock.advance(IDLE.dividedBy(50));
          sessions.sweep();
        }
      }
    } catch (GenerationException e) {
      assertThat(e.type()).isIn(ErrorType.SESSION_NOT_FOUND, ErrorType.TOO_MANY_SESSIONS);
      known.remove(any);
    }
  }

  private static void assertRefused(ErrorType type, ThrowingCallable call) {
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.type()).isEqualTo(type));
  }

  private InMemorySessions sessions(TestClock clock) {
    GenerationSettings settings =
        new GenerationSettings(
            100,
            4,
            256,
            16,
            1024,
            5,
            true,
            128,
            1,
            Duration.ofSeconds(5),
            Duration.ofSeconds(9),
            MAX,
            IDLE,
            64,
            Duration.ofSeconds(30),
            PrefixCacheScope.SESSION);
    return new InMemorySessions(
        settings,
        new ParameterValidator(settings, 300, () -> 1),
        new CacheScopes(PrefixCacheScope.SESSION, forgotten::add),
        clock);
  }
}
