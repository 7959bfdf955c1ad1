package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationOutcome.By;
import dev.slabstream.generation.GenerationOutcome.Cancelled;
import dev.slabstream.generation.GenerationOutcome.Stage;
import dev.slabstream.kernel.FaultyKernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

/// The service over a real engine with a tiny model.
@Timeout(60)
class GenerationOverEngineTest {
  private static final String PROMPT = "The quick brown fox";

  private final RecordingObserver observer = new RecordingObserver();
  private final FaultyKernels kernels = new FaultyKernels();
  private @Nullable TinyService open;

  private TinyService open(EngineSettings settings, int numBlocks) {
    TinyService tiny =
        new TinyService(settings, numBlocks, PrefixCacheScope.SESSION, observer, kernels::over);
    open = tiny;
    return tiny;
  }

  /// From now on the engine stands still in a step for as long as this holds.
  private void holdWhile(BooleanSupplier condition) {
    kernels.before(
        (_, _) -> {
          while (condition.getAsBoolean()) {
            LockSupport.parkNanos(100_000);
          }
        });
  }

  private TinyService open() {
    return open(new EngineSettings(64, 64, 16), 256);
  }

  /// Closing the slab fails when a lease is open.
  @AfterEach
  void close() {
    if (open != null) {
      open.close();
    }
  }

  @Test
  void putsTheTextsOfItsEventsTogetherToTheDecodedTokens() {
    TinyService tiny = open();
    for (long seed = 0; seed < 20; seed++) {
      List<GenerationEvent> events =
          run(tiny, PROMPT, seeded(seed).andThen(p -> p.maxNewTokens(30).ignoreEos(true)), null);
      Finished finished = finished(events);
      assertThat(finished.generatedText())
          .isEqualTo(tiny.tokenizer().decode(ids(events), true))
          .isEqualTo(textOf(events));
      assertThat(finished.generatedTokens()).isEqualTo(30);
      assertThat(finished.reason()).isEqualTo(FinishReason.LENGTH);
      assertThat(tokens(events)).extracting(Token::last).containsOnlyOnce(true).endsWith(true);
    }
  }

  @Test
  void givesTheSameTextForTheSameSeedWhateverElseRuns() {
    TinyService tiny = open();
    List<GenerationEvent> alone = run(tiny, PROMPT, seeded(5), null);
    assertThat(run(tiny, PROMPT, seeded(5), null)).isEqualTo(alone);
    List<Flux<GenerationEvent>> crowd = new ArrayList<>();
    for (long seed = 0; seed < 12; seed++) {
      crowd.add(tiny.service().generate(request(PROMPT, seeded(seed)), null));
    }
    List<List<GenerationEvent>> together =
        Flux.merge(crowd.stream().map(Flux::collectList).toList()).collectList().block();
    assertThat(together).contains(alone);
    assertThat(together).doesNotHaveDuplicates().hasSize(12);
    String session = tiny.service().sessions().create(GenerateParameters.NONE).id();
    assertThat(run(tiny, PROMPT, seeded(5), session)).isEqualTo(alone);
  }

  @Test
  void repeatsAnUnseededTextWhenGivenTheSeedThatItTold() {
    TinyService tiny = open();
    List<GenerationEvent> first = run(tiny, PROMPT, p -> p.doSample(true).maxNewTokens(20), null);
    long seed = Objects.requireNonNull(finished(first).seed());
    assertThat(((Started) first.getFirst()).seed()).isEqualTo(seed);
    assertThat(run(tiny, PROMPT, p -> p.doSample(true).maxNewTokens(20).seed(seed), null))
        .isEqualTo(first);
  }

  /// Any piece of a text is a stop string that ends it before its first occurrence.
  @Test
  void endsTheTextBeforeAnyStopStringWhereverTheTokensBreak() {
    TinyService tiny = open();
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      long seed = random.nextInt(10);
      String whole = finished(run(tiny, PROMPT, seeded(seed), null)).generatedText();
      int[] characters = whole.codePoints().toArray();
      int from = random.nextInt(characters.length);
      int length = 1 + random.nextInt(Math.min(6, characters.length - from));
      String stop = new String(characters, from, length);
      List<GenerationEvent> events =
          run(tiny, PROMPT, seeded(seed).andThen(p -> p.stop(List.of(stop))), null);
      String expected = whole.substring(0, whole.indexOf(stop));
      assertThat(finished(events).generatedText()).as("%s in %s", stop, whole).isEqualTo(expected);
      assertThat(textOf(events)).isEqualTo(expected);
      assertThat(finished(events).reason()).isEqualTo(FinishReason.STOP_SEQUENCE);
    }
  }

  @Test
  void reportsThePromptsLogprobsAndTheAlternatives() {
    TinyService tiny = open();
    List<GenerationEvent> events =
        run(tiny, PROMPT, p -> p.decoderInputDetails(true).topNTokens(3).maxNewTokens(4), null);
    Finished finished = finished(events);
    assertThat(finished.prefill()).hasSize(finished.inputLength());
    assertThat(finished.prefill().getFirst().logprob()).isNull();
    assertThat(finished.prefill().subList(1, finished.inputLength()))
        .allMatch(token -> token.logprob() != null && token.logprob() < 0);
    assertThat(tokens(events))
        .hasSize(4)
        .allSatisfy(
            token -> {
              // Greedy: the chosen one is the most likely.
              assertThat(token.topTokens()).hasSize(3);
              assertThat(token.topTokens().getFirst().id()).isEqualTo(token.token().id());
              assertThat(token.topTokens().getFirst().logprob()).isEqualTo(token.token().logprob());
            });
  }

  @Test
  void givesTheLeaseBackInWhateverPhaseTheClientLeaves() {
    // One sequence at a time and a prompt in many steps: the second waits, and a prefill lasts.
    TinyService tiny = open(new EngineSettings(4, 1, 1), 64);
    // Its client reads no further than that it has begun, so it cannot end by itself.
    Disposable decoding =
        tiny.service()
            .generate(request("a", p -> p.maxNewTokens(400).ignoreEos(true)), null)
            .subscribeWith(new ReadsOne());
    await(() -> tiny.engine().stats().generatedTokens() > 0);
    Disposable queued = start(tiny, "b", p -> p.maxNewTokens(10));
    await(() -> tiny.engine().stats().waiting() == 1);
    queued.dispose();
    await(() -> observer.reports.size() == 1);
    decoding.dispose();
    await(() -> observer.reports.size() == 2);
    assertThat(tiny.slab().stats().openLeases()).isZero();

    long before = tiny.engine().stats().promptTokens();
    AtomicBoolean holding = new AtomicBoolean(true);
    holdWhile(() -> holding.get() && tiny.engine().stats().promptTokens() > before);
    Disposable prefilling = start(tiny, "word ".repeat(80), p -> p.maxNewTokens(1));
    await(() -> tiny.engine().stats().promptTokens() > before);
    prefilling.dispose();
    holding.set(false);
    await(() -> observer.reports.size() == 3);
    assertThat(tiny.slab().stats().openLeases()).isZero();
    assertThat(observer.outcomes())
        .containsExactly(
            new Cancelled(Stage.QUEUED, By.CLIENT),
            new Cancelled(Stage.DECODE, By.CLIENT),
            new Cancelled(Stage.PREFILL, By.CLIENT));
    // An observer is told before the client is, and a request has left after that.
    await(() -> tiny.service().inFlight() == 0);
  }

  @Test
  void refusesWhatTheWholeSlabCannotHoldAndQueuesNothing() {
    TinyService tiny = open(new EngineSettings(4, 32, 4), 2);
    assertThat(tiny.service().limits().maxTotalTokens()).isEqualTo(32);
    assertThat(finished(run(tiny, "abc", p -> p.maxNewTokens(24).ignoreEos(true), null)))
        .extracting(Finished::generatedTokens)
        .isEqualTo(24);
    long submitted = tiny.engine().stats().submitted();
    assertThatThrownBy(() -> run(tiny, "abc", p -> p.maxNewTokens(32), null))
        .isInstanceOfSatisfying(
            GenerationException.class,
            e -> {
              assertThat(e.type()).isEqualTo(ErrorType.VALIDATION);
              assertThat(e.field()).isEqualTo("max_new_tokens");
              assertThat(e.limit()).isEqualTo(32);
              assertThat(e).hasMessageContaining("the size of the KV slab");
            });
    assertThat(tiny.engine().stats().submitted()).isEqualTo(submitted);
    assertThat(tiny.engine().gate().stats()).isEqualTo(new QueueStats(0, 0));
  }

  @Test
  void endsAStreamWithAnErrorWhenItsSessionIsDeleted() {
    TinyService tiny = open();
    String session = tiny.service().sessions().create(GenerateParameters.NONE).id();
    Flux<GenerationEvent> events =
        tiny.service()
            .generate(request("a", p -> p.maxNewTokens(400).ignoreEos(true)), session)
            // Whoever asks for all would be computed to the end, however late it looks.
            .limitRate(1)
            .doOnNext(
                event -> {
                  if (event instanceof Token token && token.index() == 2) {
                    tiny.service().sessions().delete(session);
                  }
                });
    assertThatThrownBy(events::blockLast)
        .isInstanceOfSatisfying(
            GenerationException.class,
            e -> assertThat(e.type()).isEqualTo(ErrorType.SESSION_DELETED));
    assertThat(observer.outcomes()).containsExactly(new Cancelled(Stage.DECODE, By.SERVER));
    assertThat(tiny.slab().stats().openLeases()).isZero();
  }

  @Test
  void cancelsWhatRunsWhenItCloses() throws InterruptedException {
    TinyService tiny = open();
    List<Throwable> errors = new CopyOnWriteArrayList<>();
    AtomicBoolean holding = new AtomicBoolean(true);
    holdWhile(() -> holding.get() && tiny.engine().stats().generatedTokens() > 0);
    tiny.service()
        .generate(request("a", p -> p.maxNewTokens(400).ignoreEos(true)), null)
        .subscribe(event -> {}, errors::add);
    await(() -> tiny.engine().stats().generatedTokens() > 0);
    Thread closing = Thread.ofPlatform().start(tiny.service()::close);
    await(() -> closing.getState() == Thread.State.TIMED_WAITING);
    holding.set(false);
    closing.join();
    assertThat(errors)
        .singleElement()
        .isInstanceOfSatisfying(
            GenerationException.class, e -> assertThat(e.type()).isEqualTo(ErrorType.CANCELLED));
    assertThat(tiny.slab().stats().openLeases()).isZero();
  }

  /// Many clients at once that stay, leave, share sessions, delete them, and ask for too much:
  /// every request ends once, and at the end nothing is left.
  @Test
  void leavesNothingBehindAfterAStormOfClients() throws Exception {
    TinyService tiny = open(new EngineSettings(8, 32, 4), 64);
    int clients = 8;
    int requestsEach = 40;
    try (ExecutorService pool = Executors.newFixedThreadPool(clients)) {
      List<Future<?>> running = new ArrayList<>();
      for (int c = 0; c < clients; c++) {
        Random random = new Random(c);
        running.add(
            pool.submit(() -> IntStream.range(0, requestsEach).forEach(i -> storm(tiny, random))));
      }
      for (Future<?> each : running) {
        each.get(50, TimeUnit.SECONDS);
      }
    }
    assertThat(tiny.service().awaitIdle(Duration.ofSeconds(10))).isTrue();
    assertThat(observer.reports).hasSize(clients * requestsEach);
    assertThat(observer.outcomes()).hasAtLeastOneElementOfType(Cancelled.class);
    assertThat(observer.outcomes()).hasAtLeastOneElementOfType(GenerationOutcome.Completed.class);
    assertThat(observer.outcomes()).doesNotHaveAnyElementsOfTypes(GenerationOutcome.Failed.class);
    assertThat(tiny.slab().stats().openLeases()).isZero();
    assertThat(tiny.slab().stats().leasedBlocks()).isZero();
    assertThat(tiny.engine().gate().stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(tiny.service().sessionStats().busy()).isZero();
  }

  private static void storm(TinyService tiny, Random random) {
    @Nullable String session =
        random.nextInt(3) == 0
            ? tiny.service().sessions().create(GenerateParameters.NONE).id()
            : null;
    int tokens = 1 + random.nextInt(12);
    int takes = random.nextInt(tokens + 3);
    Flux<GenerationEvent> events =
        tiny.service()
            .generate(
                request("x".repeat(1 + random.nextInt(60)), p -> p.maxNewTokens(tokens).topK(9)),
                session)
            .take(takes == 0 ? 1 : takes)
            .onErrorComplete(GenerationException.class);
    if (session != null && random.nextBoolean()) {
      Disposable leaving = events.subscribe();
      tiny.service().sessions().delete(session);
      if (random.nextBoolean()) {
        leaving.dispose();
      }
    } else {
      events.blockLast(Duration.ofSeconds(20));
    }
  }

  /// Takes the first event, and reads no further.
  private static final class ReadsOne extends BaseSubscriber<GenerationEvent> {
    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      subscription.request(1);
    }
  }

  private static List<GenerationEvent> run(
      TinyService tiny, String inputs, ParametersBuilder.Change change, @Nullable String session) {
    return Objects.requireNonNull(
        tiny.service()
            .generate(request(inputs, change), session)
            .collectList()
            .block(Duration.ofSeconds(20)));
  }

  private static Disposable start(
      TinyService tiny, String inputs, ParametersBuilder.Change change) {
    return tiny.service()
        .generate(request(inputs, change), null)
        .subscribe(event -> {}, error -> {});
  }

  private static GenerateRequest request(String inputs, ParametersBuilder.Change change) {
    return new GenerateRequest(inputs, ParametersBuilder.parameters(change));
  }

  private static ParametersBuilder.Change seeded(long seed) {
    return p -> p.seed(seed).doSample(true).maxNewTokens(24);
  }

  private static Finished finished(List<GenerationEvent> events) {
    return (Finished) events.getLast();
  }

  private static List<Token> tokens(List<GenerationEvent> events) {
    return events.stream().filter(Token.class::isInstance).map(Token.class::cast).toList();
  }

  private static int[] ids(List<GenerationEvent> events) {
    return tokens(events).stream().mapToInt(token -> token.token().id()).toArray();
  }

  private static String textOf(List<GenerationEvent> events) {
    StringBuilder text = new StringBuilder();
    tokens(events).stream()
        .filter(token -> !token.token().special())
        .forEach(token -> text.append(token.token().text()));
    return text.toString();
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
