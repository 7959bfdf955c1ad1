package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.generation.FaultyTokenizer.Where;
import dev.slabstream.generation.GenerationOutcome.Completed;
import dev.slabstream.generation.GenerationOutcome.Failed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.test.StepVerifier;

/// What goes wrong in one request, over a real engine: it ends with an error, and nobody else notices.
@Timeout(60)
class FaultsOverEngineTest {
  private static final String GOOD = "The quick brown fox";
  private static final int GOOD_TOKENS = 150;

  private final RecordingObserver observer = new RecordingObserver();
  private final AtomicReference<FaultyTokenizer> faults = new AtomicReference<>();
  private final TinyService tiny =
      new TinyService(
          TinyService.Setup.PLAIN,
          new EngineSettings(64, 64, 16),
          256,
          PrefixCacheScope.SESSION,
          observer,
          tokenizer -> {
            faults.set(new FaultyTokenizer(tokenizer));
            return faults.get();
          });

  /// Closing the slab fails when a lease is open.
  @AfterEach
  void close() {
    tiny.close();
  }

  static Stream<Arguments> faults() {
    return Stream.of(Where.values())
        .flatMap(
            where ->
                Stream.of(
                        new IllegalStateException("injected"),
                        new OutOfMemoryError("injected"),
                        new StackOverflowError("injected"),
                        new NoClassDefFoundError("injected"))
                    .map(thrown -> Arguments.of(where, thrown)));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aFaultyTokenizerOrDetokenizerFailsItsRequestOnly(Where where, Throwable thrown) {
    List<GenerationEvent> expected = run();
    String session = tiny.service().sessions().create(GenerateParameters.NONE).id();
    faulty().fail(where, thrown);

    // A stream that is in the middle of its text, wherever the engine is: it waits for its client.
    List<GenerationEvent> good = new ArrayList<>();
    StepVerifier.create(tiny.service().generate(good(), null).doOnNext(good::add), 10)
        .expectNextCount(10)
        .then(() -> await(() -> tiny.engine().stats().paused() == 1))
        .then(() -> expectFailure(session, where))
        .thenRequest(Long.MAX_VALUE)
        .thenConsumeWhile(_ -> true)
        .verifyComplete();

    assertThat(good).isEqualTo(expected);
    expectToBeWell(expected);
    assertThat(tiny.service().sessions().get(session).busy()).isFalse();
    assertThat(observer.outcomes())
        .filteredOn(outcome -> !(outcome instanceof Completed))
        .containsExactly(new Failed(ErrorType.GENERATION));
  }

  private FaultyTokenizer faulty() {
    return Objects.requireNonNull(faults.get());
  }

  private void expectFailure(String session, Where where) {
    List<GenerationEvent> told = new ArrayList<>();
    GenerateRequest bad = request(FaultyTokenizer.MARK, p -> p.maxNewTokens(20).ignoreEos(true));
    StepVerifier.create(tiny.service().generate(bad, session).doOnNext(told::add))
        .thenConsumeWhile(_ -> true)
        .expectErrorSatisfies(
            e -> {
              assertThat(e).isInstanceOf(GenerationException.class).hasNoCause();
              assertThat(((GenerationException) e).type()).isEqualTo(ErrorType.GENERATION);
              assertThat(e).hasMessageNotContaining("injected");
            })
        .verify(Duration.ofSeconds(20));
    if (where == Where.ENCODE || where == Where.DECODER) {
      assertThat(told).as("nothing is written before an error with a status").isEmpty();
    }
  }

  private void expectToBeWell(List<GenerationEvent> expected) {
    await(() -> tiny.service().inFlight() == 0);
    assertThat(tiny.slab().stats().openLeases()).isZero();
    assertThat(tiny.engine().gate().stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(run()).as("the next request").isEqualTo(expected);
  }

  @Test
  void anInterruptedTokenizerThreadGoesOn() {
    List<GenerationEvent> expected = run();
    AtomicReference<Thread> thread = new AtomicReference<>();
    faulty()
        .beforeEncode(
            () -> {
              thread.set(Thread.currentThread());
              Thread.currentThread().interrupt();
            });
    assertThat(run()).isEqualTo(expected);
    faulty().beforeEncode(() -> thread.set(Thread.currentThread()));
    Thread tokenizing = Objects.requireNonNull(thread.get());
    await(() -> tokenizing.getState() == Thread.State.WAITING);
    tokenizing.interrupt();
    await(() -> tokenizing.getState() == Thread.State.WAITING && !tokenizing.isInterrupted());
    expectToBeWell(expected);
    assertThat(tokenizing.isAlive()).isTrue();
  }

  @Test
  void anInterruptedThreadOfEventsGoesOn() {
    List<GenerationEvent> expected = run();
    List<GenerationEvent> interrupted =
        tiny.service()
            .generate(good(), null)
            .doOnNext(_ -> Thread.currentThread().interrupt())
            .collectList()
            .block(Duration.ofSeconds(20));
    assertThat(interrupted).isEqualTo(expected);
    // As many as there are threads of events, and more.
    for (int i = 0; i < 8; i++) {
      expectToBeWell(expected);
    }
  }

  private List<GenerationEvent> run() {
    return Objects.requireNonNull(
        tiny.service().generate(good(), null).collectList().block(Duration.ofSeconds(20)));
  }

  private static GenerateRequest good() {
    return request(GOOD, p -> p.maxNewTokens(GOOD_TOKENS).ignoreEos(true));
  }

  private static GenerateRequest request(String inputs, ParametersBuilder.Change change) {
    return new GenerateRequest(inputs, ParametersBuilder.parameters(change));
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come true within 10 s");
      }
      Thread.yield();
    }
  }
}
