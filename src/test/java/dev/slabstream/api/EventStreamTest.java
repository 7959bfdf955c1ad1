package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.FakeGeneration;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

final class EventStreamTest {
  private static final Duration QUIET = Duration.ofSeconds(15);

  /// What a heap that is nearly full cannot hold.
  private static final List<GenerationEvent.TokenInfo> TOO_LARGE =
      new AbstractList<>() {
        @Override
        public GenerationEvent.TokenInfo get(int index) {
          throw new OutOfMemoryError("injected");
        }

        @Override
        public int size() {
          return 1;
        }
      };

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Sinks.Many<GenerationEvent> events = Sinks.many().unicast().onBackpressureBuffer();
  private final List<String> written = new ArrayList<>();

  private Disposable open() {
    return EventStream.of(events.asFlux(), false, QUIET, time)
        .map(frame -> new String(frame, StandardCharsets.UTF_8))
        .subscribe(written::add);
  }

  @Test
  void streamIsNeverSilentForLongerThanTheSetting() {
    Disposable stream = open();
    events.tryEmitNext(new GenerationEvent.Started(1, null)).orThrow();
    time.advanceTimeBy(Duration.ofSeconds(14));
    assertThat(written).isEmpty();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(written).containsExactly(":\n\n");
    time.advanceTimeBy(Duration.ofSeconds(30));
    assertThat(written).containsExactly(":\n\n", ":\n\n", ":\n\n");
    stream.dispose();
  }

  @Test
  void streamThatSpeaksNeedsNoComments() {
    Disposable stream = open();
    for (int i = 1; i <= 20; i++) {
      events.tryEmitNext(FakeGeneration.token(i, 7, "a", -1, false)).orThrow();
      time.advanceTimeBy(Duration.ofSeconds(7));
    }
    assertThat(written).hasSize(20).allMatch(frame -> frame.startsWith("data: {\"index\":"));
    stream.dispose();
  }

  @Test
  void nothingFollowsTheLastEvent() {
    Disposable stream = open();
    FakeGeneration.hello(null).toStream().forEach(e -> events.tryEmitNext(e).orThrow());
    time.advanceTimeBy(Duration.ofMinutes(5));
    assertThat(written).hasSize(2);
    assertThat(written.getLast()).contains("\"generated_text\":\"\\nh");
    events.tryEmitComplete().orThrow();
    assertThat(stream.isDisposed()).isTrue();
  }

  @Test
  void commentsDoNotPileUpForAClientThatDoesNotRead() {
    StepVerifier.create(EventStream.of(events.asFlux(), false, QUIET, time), 0)
        .then(() -> time.advanceTimeBy(Duration.ofHours(1)))
        .thenRequest(100)
        .then(() -> time.advanceTimeBy(Duration.ofSeconds(15)))
        .expectNextCount(1)
        .then(() -> events.tryEmitComplete().orThrow())
        .assertNext(
            frame -> assertThat(new String(frame, StandardCharsets.UTF_8)).contains("error_type"))
        .verifyComplete();
  }

  @Test
  void eventsAreTakenAsTheyAreRead() {
    AtomicInteger taken = new AtomicInteger();
    Flux<GenerationEvent> many =
        Flux.range(1, 1000)
            .<GenerationEvent>map(i -> FakeGeneration.token(i, 7, "a", -1, false))
            .doOnNext(_ -> taken.incrementAndGet());
    StepVerifier.create(EventStream.of(many, false, QUIET, time), 0)
        .then(() -> assertThat(taken).hasValueLessThanOrEqualTo(2))
        .thenRequest(10)
        .expectNextCount(10)
        .then(() -> assertThat(taken).hasValueLessThanOrEqualTo(12))
        .thenCancel()
        .verify();
  }

  /// Reactor signals such errors to nobody.
  @Test
  void memoryThatRunsOutInAnEventEndsTheStreamWithAnErrorEvent() {
    Disposable stream = open();
    events.tryEmitNext(FakeGeneration.token(1, 7, "a", -1, false)).orThrow();
    events
        .tryEmitNext(
            new GenerationEvent.Token(
                2, new GenerationEvent.TokenInfo(7, "a", -1, false), TOO_LARGE, false))
        .orThrow();
    assertThat(written).hasSize(2);
    assertThat(written.getLast())
        .isEqualTo("data: {\"error\":\"an internal error\",\"error_type\":\"internal\"}\n\n");
    assertThat(stream.isDisposed()).isTrue();
    assertThat(events.currentSubscriberCount()).as("the generation is cancelled").isZero();
  }

  /// The event that cannot be made is the last one, which waits for its end: nor can it be made before the error.
  @Test
  void memoryThatRunsOutForTheErrorEventAsWellEndsTheStreamAllTheSame() {
    Disposable stream = open();
    events
        .tryEmitNext(
            new GenerationEvent.Token(
                1, new GenerationEvent.TokenInfo(7, "a", -1, false), TOO_LARGE, true))
        .orThrow();
    events.tryEmitError(new GenerationException(ErrorType.GENERATION, "failed")).orThrow();
    assertThat(written).singleElement().asString().contains("\"error_type\":\"internal\"");
    assertThat(stream.isDisposed()).isTrue();
  }

  @Test
  void clientThatDoesNotReadIsToldNothing() {
    StepVerifier.create(
            EventStream.of(
                Flux.error(new GenerationException(ErrorType.SLOW_CLIENT, "slow")),
                false,
                QUIET,
                time))
        .verifyErrorMessage("slow");
  }

  @Test
  void cancellingTheStreamCancelsTheGenerationAndTheTimer() {
    List<String> cancelled = new ArrayList<>();
    Flux<GenerationEvent> source = events.asFlux().doOnCancel(() -> cancelled.add("generation"));
    EventStream.of(source, false, QUIET, time).subscribe().dispose();
    assertThat(cancelled).containsExactly("generation");
    time.advanceTimeBy(Duration.ofMinutes(5));
    assertThat(written).isEmpty();
  }

  @Test
  void lastTokenIsNotLostWhenTheEndFails() {
    StepVerifier.create(
            EventStream.of(FakeGeneration.hello(null).take(3), false, QUIET, time)
                .map(frame -> new String(frame, StandardCharsets.UTF_8)))
        .expectNextMatches(frame -> frame.contains("\"index\":1,"))
        .expectNextMatches(frame -> frame.contains("\"index\":2,"))
        .expectNextMatches(frame -> frame.contains("\"error_type\":\"generation\""))
        .verifyComplete();
  }
}
