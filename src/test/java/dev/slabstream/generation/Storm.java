package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.generation.StormClient.Numbered;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/// Many clients at once, in any order and at any moment: everyone gets what it gets alone.
///
/// Every third request is also sent by somebody who goes away, after some events or after some
/// time, so in any phase: in a session right before the request itself, else beside it. What such a
/// one got until then is a beginning of what the request gives alone.
final class Storm {
  /// Long enough for a JVM that has compiled nothing yet, on a busy machine: whoever waits longer hangs.
  private static final Duration LIMIT = Duration.ofMinutes(4);

  private static final int CLIENTS_AT_ONCE = 12;

  private final TinyService service;
  private final List<Transcript> alone;

  private Storm(TinyService service, List<Transcript> alone) {
    this.service = service;
    this.alone = alone;
  }

  /// What each request gives when nothing else runs, by number.
  static List<Transcript> alone(TinyService service, List<StormClient> clients) {
    List<Transcript> alone = new ArrayList<>();
    for (StormClient client : clients) {
      for (Numbered numbered : client.requests()) {
        alone.add(get(service.service().generate(client.alone(numbered), null)));
      }
    }
    return alone;
  }

  /// Runs all clients over `service`; fails unless each gets what it gets alone and all of the slab
  /// is back in the end.
  ///
  /// @param seed of the order, the pauses, and who leaves when
  static void run(TinyService service, List<StormClient> clients, List<Transcript> alone, long seed)
      throws Exception {
    List<StormClient> order = new ArrayList<>(clients);
    Collections.shuffle(order, new Random(seed));
    ConcurrentLinkedQueue<StormClient> coming = new ConcurrentLinkedQueue<>(order);
    Storm storm = new Storm(service, alone);
    try (ExecutorService threads = Executors.newFixedThreadPool(CLIENTS_AT_ONCE)) {
      var ended = new ExecutorCompletionService<@Nullable Void>(threads);
      for (int i = 0; i < CLIENTS_AT_ONCE; i++) {
        Random random = new Random(seed + i);
        ended.submit(() -> storm.serve(coming, random), null);
      }
      try {
        for (int i = 0; i < CLIENTS_AT_ONCE; i++) {
          ended.take().get();
        }
      } catch (ExecutionException e) {
        threads.shutdownNow();
        throw new AssertionError(
            service.engine().stats() + ", " + service.slab().stats(), e.getCause());
      }
    }
    assertThat(service.service().awaitIdle(LIMIT)).isTrue();
    var engine = service.engine().stats();
    assertThat(engine.failed() + engine.rejected()).isZero();
    assertThat(engine.cancelled().values()).as("cancelled, by phase").anyMatch(count -> count > 0);
    var slab = service.slab().stats();
    assertThat(slab.openLeases()).isZero();
    assertThat(slab.leasedBlocks()).isZero();
    assertThat(slab.reservedBlocks()).isZero();
  }

  private void serve(ConcurrentLinkedQueue<StormClient> coming, Random random) {
    for (StormClient client = coming.poll(); client != null; client = coming.poll()) {
      GenerateParameters defaults = client.sessionDefaults();
      Sessions sessions = service.service().sessions();
      String session = defaults == null ? null : sessions.create(defaults).id();
      for (Numbered numbered : client.requests()) {
        LockSupport.parkNanos(random.nextInt(2) * random.nextLong(3_000_000));
        turn(numbered, session, random);
      }
      if (session != null && random.nextBoolean()) {
        sessions.delete(session);
      }
    }
  }

  private void turn(Numbered numbered, @Nullable String session, Random random) {
    Flux<GenerationEvent> events =
        service
            .service()
            .generate(numbered.request(), session)
            // The one that left may not be gone yet.
            .retryWhen(
                Retry.fixedDelay(LIMIT.toMillis(), Duration.ofMillis(1)).filter(Storm::isBusy));
    Transcript expected = alone.get(numbered.number());
    Future<Transcript> leaving = null;
    if (random.nextInt(3) == 0) {
      leaving = leaving(events, random).collectList().map(Transcript::of).toFuture();
      if (session != null) {
        assertBeginning(leaving, expected, numbered);
      }
    }
    assertThat(get(events)).as("request %d", numbered.number()).isEqualTo(expected);
    if (leaving != null) {
      assertBeginning(leaving, expected, numbered);
    }
  }

  private static boolean isBusy(Throwable error) {
    return error instanceof GenerationException refusal && refusal.type() == ErrorType.SESSION_BUSY;
  }

  private static Flux<GenerationEvent> leaving(Flux<GenerationEvent> events, Random random) {
    return random.nextBoolean()
        ? events.take(1 + random.nextInt(8))
        : events.takeUntilOther(Mono.delay(Duration.ofNanos(random.nextInt(20_000_000))));
  }

  private static void assertBeginning(
      Future<Transcript> leaving, Transcript expected, Numbered numbered) {
    Transcript got;
    try {
      got = leaving.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("one that left request " + numbered.number(), e);
    }
    assertThat(expected.startsWith(got))
        .as("request %d until it was left: %s; alone: %s", numbered.number(), got, expected)
        .isTrue();
  }

  private static Transcript get(Flux<GenerationEvent> events) {
    return Transcript.of(Objects.requireNonNull(events.collectList().block(LIMIT)));
  }
}
