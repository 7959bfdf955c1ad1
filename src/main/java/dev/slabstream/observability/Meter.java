package dev.slabstream.observability;

import static dev.slabstream.observability.Buckets.COUNTS;
import static dev.slabstream.observability.Buckets.DURATIONS;
import static dev.slabstream.observability.Buckets.NONE;

import java.util.List;

/// Every meter of ours, in the order of the reference: name, kind, unit, what it says, and by which
/// tags. Tags take their values from enums and from the one model that is served, never from a
/// request.
public enum Meter {
  REQUESTS(
      "slabstream.requests",
      Kind.COUNTER,
      "requests",
      NONE,
      "Requests that ended, however they did",
      "outcome"),
  REQUESTS_REFUSED(
      "slabstream.requests.refused",
      Kind.COUNTER,
      "requests",
      NONE,
      "HTTP requests answered with an error status",
      "error_type"),
  REQUESTS_FAILED(
      "slabstream.requests.failed",
      Kind.COUNTER,
      "requests",
      NONE,
      "Requests that went wrong after they were taken",
      "error_type"),
  REQUESTS_CANCELLED(
      "slabstream.requests.cancelled",
      Kind.COUNTER,
      "requests",
      NONE,
      "Requests that were ended early, by where they were and who did it",
      "phase",
      "by"),

  TIME_TO_FIRST_TOKEN(
      "slabstream.time.to.first.token",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From a request's arrival to its first token"),
  INTER_TOKEN_LATENCY(
      "slabstream.inter.token.latency",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From one token of a request to the next"),
  QUEUE_TIME(
      "slabstream.queue.time",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From submission to the lease of blocks"),
  PREFILL_TIME(
      "slabstream.prefill.time",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From the lease to the first token"),
  DECODE_TIME(
      "slabstream.decode.time",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From the first token to the end"),
  REQUEST_TIME(
      "slabstream.request.time",
      Kind.TIMER,
      "seconds",
      DURATIONS,
      "From a request's arrival to its end, refused ones left out"),

  PROMPT_TOKENS("slabstream.prompt.tokens", Kind.COUNTER, "tokens", NONE, "Prompt tokens computed"),
  PROMPT_TOKENS_CACHED(
      "slabstream.prompt.tokens.cached",
      Kind.COUNTER,
      "tokens",
      NONE,
      "Prompt tokens that came from the prefix cache and were not computed"),
  GENERATED_TOKENS("slabstream.generated.tokens", Kind.COUNTER, "tokens", NONE, "Tokens generated"),
  PROMPT_LENGTH(
      "slabstream.prompt.length", Kind.SUMMARY, "tokens", COUNTS, "Prompt tokens of one request"),
  OUTPUT_LENGTH(
      "slabstream.output.length",
      Kind.SUMMARY,
      "tokens",
      COUNTS,
      "Tokens generated for one request"),

  STEP_TIME("slabstream.step.time", Kind.TIMER, "seconds", DURATIONS, "One step of the engine"),
  STEP_TOKENS(
      "slabstream.step.tokens", Kind.SUMMARY, "tokens", COUNTS, "Tokens computed in one step"),
  STEP_SEQUENCES(
      "slabstream.step.sequences",
      Kind.SUMMARY,
      "sequences",
      COUNTS,
      "Sequences that took part in one step"),
  STEPS_FAILED(
      "slabstream.steps.failed", Kind.COUNTER, "steps", NONE, "Steps in which computing threw"),
  ENGINE_SILENCE(
      "slabstream.engine.silence",
      Kind.GAUGE,
      "seconds",
      NONE,
      "Since the engine's last sign of life, 0 while it has nothing to do"),
  SEQUENCES_RUNNING(
      "slabstream.sequences.running", Kind.GAUGE, "sequences", NONE, "Sequences that hold a lease"),
  SEQUENCES_PAUSED(
      "slabstream.sequences.paused",
      Kind.GAUGE,
      "sequences",
      NONE,
      "Sequences that hold a lease and compute nothing, because their client does not read"),
  SEQUENCES_WAITING(
      "slabstream.sequences.waiting",
      Kind.GAUGE,
      "sequences",
      NONE,
      "Sequences that wait for admission"),
  PROMPT_TOKENS_WAITING(
      "slabstream.prompt.tokens.waiting",
      Kind.GAUGE,
      "tokens",
      NONE,
      "Prompt tokens of sequences that wait"),

  CONNECTIONS(
      "slabstream.connections",
      Kind.GAUGE,
      "connections",
      NONE,
      "Open connections, idle ones included"),
  BODY_MEMORY(
      "slabstream.body.memory",
      Kind.GAUGE,
      "bytes",
      NONE,
      "Bytes of the bodies of requests that come, wait or run"),

  KV_BLOCKS(
      "slabstream.kv.blocks", Kind.GAUGE, "blocks", NONE, "Blocks of the slab by state", "state"),
  KV_BLOCKS_RESERVED(
      "slabstream.kv.blocks.reserved",
      Kind.GAUGE,
      "blocks",
      NONE,
      "Free and cached blocks that are promised to leases"),
  KV_BLOCKS_HIGH_WATER(
      "slabstream.kv.blocks.high.water",
      Kind.GAUGE,
      "blocks",
      NONE,
      "The most blocks that were ever on lease at once"),
  KV_LEASES("slabstream.kv.leases", Kind.GAUGE, "leases", NONE, "Open leases"),
  KV_RESETS(
      "slabstream.kv.resets", Kind.COUNTER, "leases", NONE, "Leases that ended, by cause", "cause"),
  KV_EVICTIONS(
      "slabstream.kv.evictions",
      Kind.COUNTER,
      "blocks",
      NONE,
      "Cached blocks that were reset, by cause",
      "cause"),
  KV_SIZE("slabstream.kv.size", Kind.GAUGE, "bytes", NONE, "Size of the slab"),

  SESSIONS("slabstream.sessions", Kind.GAUGE, "sessions", NONE, "Open sessions, by state", "state"),
  SESSIONS_OPENED("slabstream.sessions.opened", Kind.COUNTER, "sessions", NONE, "Sessions opened"),
  SESSIONS_CLOSED(
      "slabstream.sessions.closed",
      Kind.COUNTER,
      "sessions",
      NONE,
      "Sessions closed, by cause",
      "cause"),

  STARTUP_TIME(
      "slabstream.startup.time",
      Kind.GAUGE,
      "seconds",
      NONE,
      "How long the phases of the start took",
      "phase"),
  MODEL_INFO(
      "slabstream.model.info",
      Kind.GAUGE,
      "",
      NONE,
      "Always 1; its tags say what runs",
      "model",
      "architecture",
      "quantization",
      "backend",
      "vector_bits",
      "threads");

  /// What is measured, in Micrometer's words.
  public enum Kind {
    COUNTER,
    TIMER,
    SUMMARY,
    GAUGE
  }

  private final String meterName;
  private final Kind kind;
  private final String unit;
  private final Buckets buckets;
  private final String description;
  private final List<String> tagNames;

  Meter(
      String meterName,
      Kind kind,
      String unit,
      Buckets buckets,
      String description,
      String... tagNames) {
    this.meterName = meterName;
    this.kind = kind;
    this.unit = unit;
    this.buckets = buckets;
    this.description = description;
    this.tagNames = List.of(tagNames);
  }

  public String meterName() {
    return meterName;
  }

  /// The name that a scrape shows: words joined by underscores, the unit behind what is not a plain count, `_total` behind what
  /// only grows.
  public String exportedName() {
    String name = meterName.replace('.', '_');
    if (kind == Kind.COUNTER) {
      return name + "_total";
    }
    return exportsUnit() && !name.endsWith("_" + unit) ? name + "_" + unit : name;
  }

  /// A gauge of a count has what it counts in its name already.
  boolean exportsUnit() {
    return kind != Kind.GAUGE || unit.equals("bytes") || unit.equals("seconds");
  }

  public Kind kind() {
    return kind;
  }

  public String unit() {
    return unit;
  }

  Buckets buckets() {
    return buckets;
  }

  public String description() {
    return description;
  }

  public List<String> tagNames() {
    return tagNames;
  }
}
