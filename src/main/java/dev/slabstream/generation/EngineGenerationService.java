package dev.slabstream.generation;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.generation.EventSink.TimedEvent;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.tokenizer.Tokenizer;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/// The service over an engine: owns the tokenizer's threads, the threads that hand events to
/// subscribers, the sessions, and the set of requests in flight. Thread-safe; lives from start-up
/// until [#close()].
///
/// Three kinds of threads, each behind a queue: a prompt waits for a tokenizer thread, its ids wait
/// for the engine, and events wait for the subscriber in a queue of a few dozen (full: the sequence
/// pauses). So no subscriber runs on the engine's thread, and no event loop tokenizes. The first two
/// are one queue to the [AdmissionGate], which refuses at the entrance.
///
/// Shutting down: [#drain()] refuses what is new, [#awaitDelivered(Duration)] gives what runs its time,
/// [#close()] cancels the rest and sees to it that every client is handed its last event, even when
/// the engine hangs. The engine is closed after that, as it ends what is cancelled.
public final class EngineGenerationService implements GenerationService, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EngineGenerationService.class);

  private static final Flux<GenerationEvent> OUT_OF_MEMORY = Flux.error(Ending.NO_MEMORY);

  /// Seeds of our own making stay below this, so that a JSON reader with doubles can hand them
  /// back.
  private static final long SEED_BOUND = 1L << 53;

  private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(10);

  /// For what was cancelled to end: a step of the engine.
  private static final Duration CANCEL_LIMIT = Duration.ofSeconds(4);

  /// For clients to take what they have not been handed yet; who reads too slowly is cut off.
  private static final Duration DELIVERY_LIMIT = Duration.ofSeconds(2);

  private final SequenceQueue engine;
  private final AdmissionGate gate;
  private final GenerationContext context;
  private final GenerationSettings settings;
  private final GenerationObserver observer;
  private final Clock clock;
  private final ParameterValidator validator;
  private final CacheScopes cacheScopes;
  private final InMemorySessions sessions;
  private final TokenizerThreads tokenizing;
  private final Scheduler delivering;
  private final OpenGenerations inFlight = new OpenGenerations();

  /// Those whose client has not been handed the end; a superset of those in flight, but for moments.
  private final OpenGenerations undelivered = new OpenGenerations();

  /// Ends every stream with an error, past whoever should write it.
  private final Sinks.Empty<Void> abandoned = Sinks.empty();

  private volatile boolean draining;

  /// @param engine stays its owner's, as does the tokenizer
  public EngineGenerationService(
      SequenceQueue engine,
      Tokenizer tokenizer,
      ServedModel model,
      GenerationSettings settings,
      GenerationObserver observer) {
    this(engine, tokenizer, model, settings, observer, Clock.systemUTC(), System::nanoTime);
  }

  /// @param clock tells when sessions expire
  /// @param nanoClock the engine's: deadlines are moments on it
  EngineGenerationService(
      SequenceQueue engine,
      Tokenizer tokenizer,
      ServedModel model,
      GenerationSettings settings,
      GenerationObserver observer,
      Clock clock,
      LongSupplier nanoClock) {
    if (tokenizer.vocabSize() != model.vocabSize()) {
      throw new IllegalArgumentException(
          "the tokenizer's %d ids must be the model's %d"
              .formatted(tokenizer.vocabSize(), model.vocabSize()));
    }
    TokenTexts texts = new TokenTexts(tokenizer);
    SecureRandom random = new SecureRandom();
    this.engine = engine;
    this.gate = engine.gate();
    this.delivering =
        Schedulers.newParallel(
            "generation-events", Math.min(4, Runtime.getRuntime().availableProcessors()), true);
    this.context =
        new GenerationContext(
            model,
            tokenizer,
            texts,
            new PromptEncoder(tokenizer, texts, model, settings),
            settings,
            delivering,
            nanoClock);
    this.settings = settings;
    this.observer = new GuardedObserver(observer);
    this.clock = clock;
    this.validator =
        new ParameterValidator(settings, model.vocabSize(), () -> random.nextLong(SEED_BOUND));
    this.cacheScopes = new CacheScopes(settings.prefixCacheScope(), engine::forget);
    this.sessions = new InMemorySessions(settings, validator, cacheScopes, clock);
    this.tokenizing = new TokenizerThreads(settings.tokenizerThreads(), nanoClock);
    long sweepMillis = SWEEP_INTERVAL.toMillis();
    var unused =
        delivering.schedulePeriodically(
            sessions::sweep, sweepMillis, sweepMillis, TimeUnit.MILLISECONDS);
  }

  @Override
  public Flux<GenerationEvent> generate(GenerateRequest request, @Nullable String sessionId) {
    return Flux.defer(() -> begin(request, sessionId));
  }

  @Override
  public ServiceLimits limits() {
    int total = context.model().maxTotalTokens();
    return new ServiceLimits(
        total - 1,
        total,
        settings.defaultMaxNewTokens(),
        settings.maxStopSequences(),
        settings.maxTopNTokens(),
        settings.maxConcurrentRequests());
  }

  /// The sessions whose generators run requests here.
  public Sessions sessions() {
    return sessions;
  }

  public SessionStats sessionStats() {
    return sessions.stats();
  }

  /// How long the tokenizer has been at one prompt; zero while it has none.
  public Duration tokenizerSilence() {
    return tokenizing.silence();
  }

  /// Requests that have begun and not ended; their clients may have been handed less than there is.
  public int inFlight() {
    return inFlight.size();
  }

  /// Requests whose clients have not been handed all there is; most of them are in flight.
  public int undelivered() {
    return undelivered.size();
  }

  /// From now on every new request is refused as DRAINING; those in flight go on.
  public void drain() {
    draining = true;
  }

  /// Waits until nothing is in flight and every client has been handed its last event; false when
  /// that took longer than `timeout`.
  public boolean awaitDelivered(Duration timeout) throws InterruptedException {
    long startNanos = System.nanoTime();
    return awaitIdle(timeout)
        && undelivered.awaitNone(timeout.minusNanos(System.nanoTime() - startNanos));
  }

  /// Waits until nothing is in flight; false when that took longer than `timeout`.
  boolean awaitIdle(Duration timeout) throws InterruptedException {
    return inFlight.awaitNone(timeout);
  }

  /// Drains, cancels what is in flight, waits for its end and for the clients to be told, and ends
  /// the threads. Takes seconds at most, whatever hangs.
  @Override
  public void close() {
    drain();
    for (Generation generation : inFlight) {
      generation.cancel(Cancellation.SHUTDOWN);
    }
    tokenizing.shutdown();
    try {
      if (!awaitIdle(CANCEL_LIMIT)) {
        log.error("{} requests do not end although they were cancelled", inFlight.size());
        abandoned.tryEmitError(
            new GenerationException(
                ErrorType.CANCELLED,
                "cancelled: the server is shutting down, and the engine hangs"));
      }
      // A queue of events outlives its request; its subscriber is called on the threads that end
      // below.
      if (!undelivered.awaitNone(DELIVERY_LIMIT)) {
        log.warn("{} clients did not read to the end", undelivered.size());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    delivering.dispose();
  }

  private Flux<GenerationEvent> begin(GenerateRequest request, @Nullable String sessionId) {
    long came = context.nanoClock().getAsLong();
    try {
      return start(request, sessionId);
    } catch (Throwable e) { // Reactor would leave the client of an Error waiting
      return refused(e, came);
    }
  }

  private Flux<GenerationEvent> refused(Throwable cause, long cameNanos) {
    try {
      Ending ending = refusal(cause);
      long nanos = context.nanoClock().getAsLong() - cameNanos;
      observer.ended(new GenerationObserver.Report(ending.outcome(), 0, 0, nanos, null));
      return Flux.error(Objects.requireNonNull(ending.failure()));
    } catch (Throwable e) {
      Guarded.log(
          log, Level.ERROR, "The refusal of a request could not be told as it should be", e);
      return OUT_OF_MEMORY;
    }
  }

  private static Ending refusal(Throwable cause) {
    if (cause instanceof GenerationException refusal) {
      return Ending.refused(refusal);
    }
    Guarded.log(log, Level.ERROR, "A request could not begin", cause);
    return Ending.failed(
        new GenerationException(ErrorType.GENERATION, "the request could not be prepared"));
  }

  private Flux<GenerationEvent> start(GenerateRequest request, @Nullable String sessionId) {
    SessionGenerator generator =
        sessionId == null
            ? new SessionGenerator("", GenerateParameters.NONE, cacheScopes.withoutSession(), clock)
            : sessions.find(sessionId);
    if (request.inputs().isEmpty()) {
      throw new GenerationException(
          ErrorType.VALIDATION, "`inputs` must not be empty", "inputs", "at least 1 character", 0);
    }
    ValidParameters parameters =
        validator.validate(request.parameters().over(generator.defaults()));
    int promptTokens = context.encoder().estimate(request.inputs(), parameters);
    GenerationOwner owner = new GenerationOwner(generator);
    Generation generation = new Generation(request.inputs(), parameters, context, owner);
    Flux<GenerationEvent> events = events(generation);
    try {
      // Before others can see it in its session: who ends it then finds it here, and takes it out.
      inFlight.add(generation);
      undelivered.add(generation);
      generator.begin(generation);
      enqueue(generation, promptTokens);
    } catch (Throwable e) {
      generator.end(generation);
      if (!generation.forgo()) {
        return events;
      }
      owner.left(generation);
      undelivered.remove(generation);
      throw e;
    }
    return events;
  }

  private Flux<GenerationEvent> events(Generation generation) {
    Flux<GenerationEvent> events =
        generation
            .events()
            .publishOn(delivering)
            .doOnRequest(generation::requested)
            .doOnCancel(() -> generation.cancel(Cancellation.CLIENT_GONE))
            .map(timed -> delivered(generation, timed))
            .takeUntilOther(generation.abandonment())
            .takeUntilOther(abandoned.asMono())
            .doFinally(_ -> clientLeft(generation));
    return new HandOver<>(
        events,
        () -> {
          generation.abandon();
          clientLeft(generation);
        });
  }

  private void clientLeft(Generation generation) {
    generation.clientLeft();
    undelivered.remove(generation);
  }

  /// Takes a place in the queue and waits there for the tokenizer; or refuses, here and now.
  private void enqueue(Generation generation, int promptTokens) {
    // Asked after the entry among those in flight, so that close() either sees it or is seen.
    if (draining) {
      throw Generation.draining();
    }
    AdmissionGate.Place place;
    try {
      place = gate.enter(promptTokens);
    } catch (OverloadedException e) {
      throw GenerationException.overloaded(e);
    }
    generation.waitAt(place);
    generation.limitWait();
    try {
      tokenizing.execute(generation);
    } catch (RejectedExecutionException e) {
      throw Generation.draining();
    }
  }

  private GenerationEvent delivered(Generation generation, TimedEvent timed) {
    generation.taken();
    if (timed.event() instanceof Token token) {
      if (token.index() == 1) {
        observer.firstToken(timed.nanos());
      } else {
        observer.nextToken(timed.nanos());
      }
    }
    return timed.event();
  }

  /// Gives the request's places back when it ends.
  private final class GenerationOwner implements Generation.Owner {
    private final SessionGenerator generator;

    GenerationOwner(SessionGenerator generator) {
      this.generator = generator;
    }

    @Override
    public void withdraw(Generation generation) {
      tokenizing.remove(generation);
    }

    @Override
    public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
      return engine.submit(request, place);
    }

    @Override
    public int retryAfterSeconds() {
      return gate.retryAfterSeconds();
    }

    @Override
    public @Nullable CacheScope cacheScope() {
      return generator.cacheScope();
    }

    @Override
    public void ended(Generation generation) {
      generator.end(generation);
    }

    @Override
    public void report(GenerationObserver.Report report) {
      observer.ended(report);
    }

    @Override
    public void left(Generation generation) {
      inFlight.remove(generation);
    }
  }
}
