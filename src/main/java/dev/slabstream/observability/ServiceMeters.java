package dev.slabstream.observability;

import dev.slabstream.engine.EngineEvents;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.SequenceTimes;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationObserver;
import dev.slabstream.generation.GenerationOutcome;
import dev.slabstream.generation.SessionStats;
import dev.slabstream.kvcache.EvictionCause;
import dev.slabstream.kvcache.KvStats;
import dev.slabstream.kvcache.ResetCause;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/// Feeds the meters of [Meter]: told by generations and by the engine what happens, and reading
/// their statistics when a scrape comes. Counts from [#watch(MeteredParts)] on, so that the warm-up
/// is nobody's request. Thread-safe; lives as long as the application.
///
/// All meters with tags of known values exist from the start: a rate over a counter that appears
/// with its first event misses it.
@Component
public final class ServiceMeters implements GenerationObserver, EngineEvents {
  private final MeterRegistry registry;
  private final Map<ErrorType, Counter> refused = new EnumMap<>(ErrorType.class);
  private final Map<ErrorType, Counter> failed = new EnumMap<>(ErrorType.class);
  private final Map<RequestOutcome, Counter> outcomes = new EnumMap<>(RequestOutcome.class);
  private final Map<GenerationOutcome.Cancelled, Counter> cancelled = new HashMap<>();
  private final Timer timeToFirstToken;
  private final Timer interTokenLatency;
  private final Timer queueTime;
  private final Timer prefillTime;
  private final Timer decodeTime;
  private final Timer requestTime;
  private final Timer stepTime;
  private final DistributionSummary promptLength;
  private final DistributionSummary outputLength;
  private final DistributionSummary stepTokens;
  private final DistributionSummary stepSequences;

  /// Kept here because the registry holds what it reads weakly.
  private volatile @Nullable MeteredParts parts;

  ServiceMeters(MeterRegistry registry) {
    this.registry = registry;
    for (ErrorType type : ErrorType.values()) {
      refused.put(type, counter(Meter.REQUESTS_REFUSED, "error_type", type.label()));
      failed.put(type, counter(Meter.REQUESTS_FAILED, "error_type", type.label()));
    }
    for (RequestOutcome outcome : RequestOutcome.values()) {
      outcomes.put(outcome, counter(Meter.REQUESTS, "outcome", label(outcome)));
    }
    for (GenerationOutcome.Stage stage : GenerationOutcome.Stage.values()) {
      for (GenerationOutcome.By by : GenerationOutcome.By.values()) {
        cancelled.put(
            new GenerationOutcome.Cancelled(stage, by),
            counter(Meter.REQUESTS_CANCELLED, "phase", label(stage), "by", label(by)));
      }
    }
    timeToFirstToken = timer(Meter.TIME_TO_FIRST_TOKEN);
    interTokenLatency = timer(Meter.INTER_TOKEN_LATENCY);
    queueTime = timer(Meter.QUEUE_TIME);
    prefillTime = timer(Meter.PREFILL_TIME);
    decodeTime = timer(Meter.DECODE_TIME);
    requestTime = timer(Meter.REQUEST_TIME);
    stepTime = timer(Meter.STEP_TIME);
    promptLength = summary(Meter.PROMPT_LENGTH);
    outputLength = summary(Meter.OUTPUT_LENGTH);
    stepTokens = summary(Meter.STEP_TOKENS);
    stepSequences = summary(Meter.STEP_SEQUENCES);
  }

  /// How a request ended, as a tag.
  private enum RequestOutcome {
    LENGTH,
    EOS_TOKEN,
    STOP_SEQUENCE,
    REFUSED,
    FAILED,
    CANCELLED
  }

  /// From now on there is a model to watch. Called once.
  public void watch(MeteredParts watched) {
    parts = watched;
    watchEngine(watched);
    watchSlab(watched);
    watchSessions(watched);
    watched
        .startupSeconds()
        .forEach((phase, seconds) -> gauge(Meter.STARTUP_TIME, () -> seconds, "phase", phase));
    MeteredParts.ModelFacts model = watched.model();
    gauge(
        Meter.MODEL_INFO,
        () -> 1,
        "model",
        model.model(),
        "architecture",
        model.architecture(),
        "quantization",
        model.quantization(),
        "backend",
        model.backend(),
        "vector_bits",
        Integer.toString(model.vectorBits()),
        "threads",
        Integer.toString(model.threads()));
  }

  /// The server that serves from now on. Called once.
  public void watchConnections(IntSupplier open) {
    gauge(Meter.CONNECTIONS, open::getAsInt);
  }

  /// As above, for the bytes that bodies of requests take.
  public void watchBodies(LongSupplier bytes) {
    gauge(Meter.BODY_MEMORY, bytes::getAsLong);
  }

  private void watchEngine(MeteredParts watched) {
    EngineStats before = watched.engine().get();
    count(
        Meter.PROMPT_TOKENS, watched, p -> p.engine().get().promptTokens() - before.promptTokens());
    count(
        Meter.PROMPT_TOKENS_CACHED,
        watched,
        p -> p.engine().get().cachedTokens() - before.cachedTokens());
    count(
        Meter.GENERATED_TOKENS,
        watched,
        p -> p.engine().get().generatedTokens() - before.generatedTokens());
    count(Meter.STEPS_FAILED, watched, p -> p.engine().get().failedSteps());
    gauge(Meter.ENGINE_SILENCE, () -> watched.silence().get().toNanos() / 1e9);
    gauge(Meter.SEQUENCES_RUNNING, () -> watched.engine().get().running());
    gauge(Meter.SEQUENCES_PAUSED, () -> watched.engine().get().paused());
    gauge(Meter.SEQUENCES_WAITING, () -> watched.queue().get().requests());
    gauge(Meter.PROMPT_TOKENS_WAITING, () -> watched.queue().get().promptTokens());
  }

  private void watchSlab(MeteredParts watched) {
    KvStats before = watched.slab().get();
    gauge(Meter.KV_BLOCKS, () -> watched.slab().get().freeBlocks(), "state", "free");
    gauge(Meter.KV_BLOCKS, () -> watched.slab().get().leasedBlocks(), "state", "leased");
    gauge(Meter.KV_BLOCKS, () -> watched.slab().get().cachedBlocks(), "state", "cached");
    gauge(Meter.KV_BLOCKS_RESERVED, () -> watched.slab().get().reservedBlocks());
    gauge(Meter.KV_BLOCKS_HIGH_WATER, () -> watched.slab().get().highWaterBlocks());
    gauge(Meter.KV_LEASES, () -> watched.slab().get().openLeases());
    gauge(Meter.KV_SIZE, () -> watched.slab().get().slabBytes());
    for (ResetCause cause : ResetCause.values()) {
      count(
          Meter.KV_RESETS,
          watched,
          p -> resets(p.slab().get(), cause) - resets(before, cause),
          "cause",
          label(cause));
    }
    for (EvictionCause cause : EvictionCause.values()) {
      count(
          Meter.KV_EVICTIONS,
          watched,
          p -> p.slab().get().evictions().getOrDefault(cause, 0L),
          "cause",
          label(cause));
    }
  }

  private static long resets(KvStats stats, ResetCause cause) {
    return stats.resets().getOrDefault(cause, 0L);
  }

  private void watchSessions(MeteredParts watched) {
    gauge(Meter.SESSIONS, () -> watched.sessions().get().busy(), "state", "busy");
    gauge(
        Meter.SESSIONS,
        () -> {
          SessionStats stats = watched.sessions().get();
          return stats.open() - stats.busy();
        },
        "state",
        "idle");
    count(Meter.SESSIONS_OPENED, watched, p -> p.sessions().get().created());
    count(Meter.SESSIONS_CLOSED, watched, p -> p.sessions().get().expired(), "cause", "expired");
    count(Meter.SESSIONS_CLOSED, watched, p -> p.sessions().get().deleted(), "cause", "deleted");
  }

  /// An HTTP request was answered with an error status.
  public void refused(ErrorType type) {
    increment(refused, type);
  }

  @Override
  public void firstToken(long nanos) {
    timeToFirstToken.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void nextToken(long nanos) {
    interTokenLatency.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void ended(Report report) {
    switch (report.outcome()) {
      case GenerationOutcome.Completed(FinishReason reason) ->
          increment(outcomes, RequestOutcome.valueOf(reason.name()));
      case GenerationOutcome.Refused _ -> {
        increment(outcomes, RequestOutcome.REFUSED);
        return;
      }
      case GenerationOutcome.Failed(ErrorType type) -> {
        increment(outcomes, RequestOutcome.FAILED);
        increment(failed, type);
      }
      case GenerationOutcome.Cancelled how -> {
        increment(outcomes, RequestOutcome.CANCELLED);
        increment(cancelled, how);
      }
    }
    requestTime.record(report.totalNanos(), TimeUnit.NANOSECONDS);
    if (report.promptTokens() > 0) {
      promptLength.record(report.promptTokens());
      outputLength.record(report.generatedTokens());
    }
    SequenceTimes times = report.times();
    if (times != null) {
      between(times.submittedNanos(), times.admittedNanos(), queueTime);
      between(times.admittedNanos(), times.firstTokenNanos(), prefillTime);
      between(times.firstTokenNanos(), times.endedNanos(), decodeTime);
    }
  }

  @Override
  public void onStep(int numTokens, int numPromptTokens, int numSequences, long nanos) {
    if (parts == null) {
      return;
    }
    stepTime.record(nanos, TimeUnit.NANOSECONDS);
    stepTokens.record(numTokens);
    stepSequences.record(numSequences);
  }

  /// Records a span unless one of its ends was not reached.
  private static void between(long fromNanos, long toNanos, Timer timer) {
    if (fromNanos != 0 && toNanos != 0) {
      timer.record(toNanos - fromNanos, TimeUnit.NANOSECONDS);
    }
  }

  private static <K> void increment(Map<K, Counter> counters, K key) {
    Counter counter = counters.get(key);
    if (counter != null) {
      counter.increment();
    }
  }

  private Counter counter(Meter meter, String... tags) {
    return Counter.builder(meter.meterName())
        .description(meter.description())
        .tags(tags)
        .register(registry);
  }

  private Timer timer(Meter meter) {
    return Timer.builder(meter.meterName())
        .description(meter.description())
        .serviceLevelObjectives(meter.buckets().durations())
        .register(registry);
  }

  private DistributionSummary summary(Meter meter) {
    return DistributionSummary.builder(meter.meterName())
        .description(meter.description())
        .baseUnit(meter.unit())
        .serviceLevelObjectives(meter.buckets().numbers())
        .register(registry);
  }

  private void gauge(Meter meter, Supplier<Number> value, String... tags) {
    Gauge.builder(meter.meterName(), value)
        .description(meter.description())
        .baseUnit(meter.exportsUnit() ? meter.unit() : null)
        .tags(Tags.of(tags))
        .register(registry);
  }

  private void count(
      Meter meter, MeteredParts watched, ToDoubleFunction<MeteredParts> value, String... tags) {
    FunctionCounter.builder(meter.meterName(), watched, value)
        .description(meter.description())
        .tags(Tags.of(tags))
        .register(registry);
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
