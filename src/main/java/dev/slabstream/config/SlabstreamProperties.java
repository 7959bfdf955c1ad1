package dev.slabstream.config;

import dev.slabstream.api.UnknownParameters;
import dev.slabstream.engine.EngineSettings;
import dev.slabstream.generation.PrefixCacheScope;
import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kvcache.ResetFill;
import dev.slabstream.tensor.KvType;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.time.Duration;
import java.util.OptionalLong;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/// All settings of ours. Everything has a default that works; `server.*`, `management.*` and
/// `logging.*` are Spring Boot's.
@Validated
@ConfigurationProperties("slabstream")
public record SlabstreamProperties(
    @DefaultValue @Valid Model model,
    @DefaultValue @Valid KvCache kvCache,
    @DefaultValue @Valid PrefixCache prefixCache,
    @DefaultValue @Valid Engine engine,
    @DefaultValue @Valid Kernel kernel,
    @DefaultValue @Valid Generation generation,
    @DefaultValue @Valid Session session,
    @DefaultValue @Valid Api api,
    @DefaultValue @Valid Health health,
    @DefaultValue @Valid Shutdown shutdown) {

  /// Those of a service that nobody told anything.
  public static SlabstreamProperties defaults() {
    return new Binder(new MapConfigurationPropertySource())
        .bindOrCreate("slabstream", SlabstreamProperties.class);
  }

  /// What of them the loading of the model needs.
  public LoadSettings loadSettings() {
    DataSize slabSize = kvCache.size();
    return new LoadSettings(
        new KernelSettings(kernel.backend(), kernel.vectorBitsOrZero(), engine.actualThreads()),
        new EngineSettings(
            engine.maxQueue(),
            engine.maxQueueTokens(),
            engine.maxBatchTokens(),
            engine.maxRunning(),
            engine.targetStepTime()),
        slabSize == null ? OptionalLong.empty() : OptionalLong.of(slabSize.toBytes()),
        kvCache.blockTokens(),
        kvCache.type(),
        prefixCache.scope() == PrefixCacheScope.OFF ? ResetFill.ZERO : ResetFill.KEEP,
        LoadSettings.SlabKind.ND4J);
  }

  /// The model that is served.
  ///
  /// @param path A GGUF file, or a Hugging Face folder with config.json, *.safetensors and
  ///     tokenizer.json. A relative path is looked for in the working directory, then beside the
  ///     jar.
  /// @param warmUp Whether to run a few steps before the service calls itself ready, so that the
  ///     first request meets compiled code.
  public record Model(
      @DefaultValue("models/SmolLM2-135M-Instruct.Q4_1.gguf") @NotBlank String path,
      @DefaultValue("true") boolean warmUp) {}

  /// The slab of keys and values.
  ///
  /// @param size Size of the slab. Empty derives it from the memory that the process may use.
  /// @param blockTokens Tokens in one block; a multiple of 16.
  /// @param type How keys and values are stored: f32, f16 (half the memory and traffic) or q8
  ///     (about a quarter).
  public record KvCache(
      @Nullable DataSize size,
      @DefaultValue("16") @Min(16) @Max(1024) int blockTokens,
      @DefaultValue(LoadSettings.DEFAULT_KV_TYPE) @NotNull KvType type) {
    public KvCache {
      if (blockTokens % 16 != 0) {
        throw new IllegalArgumentException(
            "slabstream.kv-cache.block-tokens must be a multiple of 16; got " + blockTokens);
      }
    }
  }

  /// Blocks of ended requests that later ones with the same beginning take over.
  ///
  /// @param scope Who begins with what whose requests have computed: session (each session with its
  ///     own), global (all with all: response times tell what others asked) or off (nobody, and
  ///     blocks are zeroed when a request ends).
  public record PrefixCache(@DefaultValue("session") @NotNull PrefixCacheScope scope) {}

  /// The engine that runs sequences together.
  ///
  /// @param threads Threads that compute. 0 takes as many as the process may use processors.
  /// @param maxQueue Requests that may wait for admission; one more is refused with 429.
  /// @param maxQueueTokens Tokens that the prompts of waiting requests may have together; more are
  ///     refused with 429. A request that waits alone may have more.
  /// @param maxQueueTime How long a request may wait for admission; then it ends with 503.
  /// @param requestTimeout How long a request may take from its arrival to its end; then it is
  ///     ended.
  /// @param maxBatchTokens Tokens computed in one step at most.
  /// @param maxRunning Requests that run at once at most.
  /// @param targetStepTime How long a step may take that computes prompts beside running streams:
  ///     their tokens wait for it. Empty: two and a half times a step without prompts, as measured.
  public record Engine(
      @DefaultValue("0") @Min(0) @Max(1024) int threads,
      @DefaultValue("128") @Min(1) @Max(1_000_000) int maxQueue,
      @DefaultValue("" + EngineSettings.DEFAULT_MAX_QUEUE_TOKENS) @Min(1) @Max(1_000_000_000)
          int maxQueueTokens,
      @DefaultValue("50s") @DurationMin(millis = 1) @DurationMax(days = 365) Duration maxQueueTime,
      @DefaultValue("10m") @DurationMin(millis = 1) @DurationMax(days = 365)
          Duration requestTimeout,
      @DefaultValue("512") @Min(1) @Max(65_536) int maxBatchTokens,
      @DefaultValue("32") @Min(1) @Max(65_536) int maxRunning,
      @Nullable @DurationMin(millis = 1) @DurationMax(minutes = 1) Duration targetStepTime) {
    public Engine {
      if (maxRunning > maxBatchTokens) {
        throw new IllegalArgumentException(
            "slabstream.engine.max-running must be at most slabstream.engine.max-batch-tokens, %d; got %d"
                .formatted(maxBatchTokens, maxRunning));
      }
    }

    /// The number of threads, decided.
    public int actualThreads() {
      return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    }
  }

  /// What computes.
  ///
  /// @param backend Implementation of the kernels: auto, vector, scalar or nd4j.
  /// @param vectorBits Width of a vector register: auto (what the machine prefers), 128, 256 or
  ///     512.
  public record Kernel(
      @DefaultValue("auto") @NotNull KernelBackend backend,
      @DefaultValue("auto") @Pattern(regexp = "auto|128|256|512") String vectorBits) {
    /// The width as a number; 0 for auto.
    public int vectorBitsOrZero() {
      return vectorBits.equals("auto") ? 0 : Integer.parseInt(vectorBits);
    }
  }

  /// Limits and defaults of a request.
  ///
  /// @param defaultMaxNewTokens Tokens to generate at most when a request does not say.
  /// @param maxStopSequences Stop strings that a request may name at most.
  /// @param maxTopNTokens Likeliest tokens that a request may ask for at most.
  /// @param specialTokensInPrompt Whether special tokens written in `inputs` are recognised;
  ///     otherwise they are text.
  public record Generation(
      @DefaultValue("100") @Min(1) @Max(1_000_000_000) int defaultMaxNewTokens,
      @DefaultValue("4") @Min(0) @Max(1024) int maxStopSequences,
      @DefaultValue("5") @Min(0) @Max(1024) int maxTopNTokens,
      @DefaultValue("true") boolean specialTokensInPrompt) {}

  /// Sessions.
  ///
  /// @param idleTimeout How long a session may be idle before it expires.
  /// @param max Sessions that may be open at once; one more is refused with 429.
  public record Session(
      @DefaultValue("30m") @DurationMin(millis = 1) @DurationMax(days = 365) Duration idleTimeout,
      @DefaultValue("1000") @Min(1) @Max(10_000_000) int max) {}

  /// The HTTP API.
  ///
  /// @param unknownParameters What becomes of a field or parameter that the API does not know:
  ///     refuse (422, with the nearest known name) or ignore.
  /// @param maxBodySize Longest request body; a longer one is refused with 413.
  /// @param maxBodyMemory Bytes that the bodies of all requests that come, wait or run may have
  ///     together; more are refused with 503. Empty: an eighth of the heap.
  /// @param keepAlive How long a stream may be silent before a comment is sent to keep the
  ///     connection open.
  /// @param streamBuffer Events of one stream that may wait for its client before the sequence
  ///     pauses.
  /// @param slowClientTimeout A stream whose client did not read on for this long is cancelled and
  ///     its connection closed.
  /// @param bodyTimeout How long the body of a request may take to come.
  /// @param writeTimeout How long a connection may take nothing of what is written to it before it is
  ///     closed.
  /// @param maxConnections Connections that may be open at once; one more may only ask for health or
  ///     metrics.
  /// @param maxStreams Requests that one connection of HTTP/2 may have in flight.
  /// @param sendBuffer Send buffer of a connection in the kernel. What lies in it is lost when a
  ///     client goes away, and a client that does not read fills it before its sequence pauses.
  public record Api(
      @DefaultValue("refuse") @NotNull UnknownParameters unknownParameters,
      @DefaultValue("1MB") @NotNull DataSize maxBodySize,
      @Nullable DataSize maxBodyMemory,
      @DefaultValue("15s") @DurationMin(millis = 1) @DurationMax(hours = 24) Duration keepAlive,
      @DefaultValue("64") @Min(1) @Max(1_000_000) int streamBuffer,
      @DefaultValue("30s") @DurationMin(millis = 1) @DurationMax(hours = 24)
          Duration slowClientTimeout,
      @DefaultValue("30s") @DurationMin(millis = 1) @DurationMax(hours = 24) Duration bodyTimeout,
      @DefaultValue("60s") @DurationMin(millis = 1) @DurationMax(hours = 24) Duration writeTimeout,
      @DefaultValue("4096") @Min(1) @Max(1_000_000) int maxConnections,
      @DefaultValue("100") @Min(1) @Max(1_000_000) int maxStreams,
      @DefaultValue("64KB") @NotNull DataSize sendBuffer) {
    public Api {
      if (sendBuffer.toBytes() < 1024 || sendBuffer.toBytes() > 64 << 20) {
        throw new IllegalArgumentException(
            "slabstream.api.send-buffer must be from 1KB to 64MB; got " + sendBuffer);
      }
      if (maxBodySize.toBytes() < 1 || maxBodySize.toBytes() > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "slabstream.api.max-body-size must be from 1B to 2047MB; got " + maxBodySize);
      }
      long heapBytes = Runtime.getRuntime().maxMemory();
      if (maxBodyMemory != null
          && (maxBodyMemory.toBytes() < maxBodySize.toBytes()
              || maxBodyMemory.toBytes() > heapBytes)) {
        throw new IllegalArgumentException(
            "slabstream.api.max-body-memory must be from slabstream.api.max-body-size, %s, to the heap, %dMB; got %s"
                .formatted(maxBodySize, heapBytes >> 20, maxBodyMemory));
      }
    }

    /// The bytes that all bodies may have together, decided: room for one of the longest at least.
    public DataSize actualMaxBodyMemory() {
      return maxBodyMemory != null
          ? maxBodyMemory
          : DataSize.ofBytes(Math.max(maxBodySize.toBytes(), Runtime.getRuntime().maxMemory() / 8));
    }
  }

  /// The health of the service.
  ///
  /// @param stuckAfter How long the engine or the tokenizer may show no sign of life while it has work
  ///     before the liveness probe fails. A sign of life is every layer that is computed, and every
  ///     prompt that is tokenized.
  public record Health(
      @DefaultValue("60s") @DurationMin(millis = 1) @DurationMax(hours = 24) Duration stuckAfter) {}

  /// The end of the service: first readiness goes down, then requests are refused, then those that
  /// run are cancelled.
  ///
  /// @param drainDelay How long requests are still taken after readiness went down, so that a proxy
  ///     notices before it meets a refusal.
  /// @param gracePeriod How long requests that run may go on after that before they are cancelled.
  public record Shutdown(
      @DefaultValue("0s") @DurationMin @DurationMax(hours = 24) Duration drainDelay,
      @DefaultValue("30s") @DurationMin @DurationMax(hours = 24) Duration gracePeriod) {}
}
