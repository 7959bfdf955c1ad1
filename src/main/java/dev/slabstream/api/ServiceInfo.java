package dev.slabstream.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import org.jspecify.annotations.Nullable;

/// The body of `GET /info`: TGI's fields first, then ours.
///
/// @param modelId what the model's file calls it
/// @param maxConcurrentRequests requests that may run and wait together; more are refused
/// @param maxInputTokens the longest prompt
/// @param maxTotalTokens prompt and new tokens together
/// @param kernelBackend what computes: `vector`, `scalar` or `nd4j`
/// @param vectorBits width of a vector register; 0 where none is used
/// @param deterministic whether the same request always gets the same bytes
@JsonPropertyOrder({
  "model_id",
  "model_sha",
  "model_dtype",
  "model_device_type",
  "model_pipeline_tag",
  "max_concurrent_requests",
  "max_best_of",
  "max_stop_sequences",
  "max_input_tokens",
  "max_total_tokens",
  "validation_workers",
  "max_client_batch_size",
  "router",
  "version",
  "sha",
  "docker_label",
  "model_architecture",
  "context_length",
  "vocab_size",
  "quantization",
  "weights_bytes",
  "default_max_new_tokens",
  "max_top_n_tokens",
  "kernel_backend",
  "kernel_reason",
  "vector_bits",
  "threads",
  "deterministic",
  "kv_cache_bytes",
  "kv_cache_tokens",
  "kv_block_tokens",
  "kv_cache_type",
  "prefix_cache_scope"
})
public record ServiceInfo(
    @JsonProperty("model_id") String modelId,
    @JsonProperty("model_sha") @Nullable String modelSha,
    @JsonProperty("model_dtype") String modelDtype,
    @JsonProperty("model_device_type") String modelDeviceType,
    @JsonProperty("model_pipeline_tag") String modelPipelineTag,
    @JsonProperty("max_concurrent_requests") int maxConcurrentRequests,
    @JsonProperty("max_best_of") int maxBestOf,
    @JsonProperty("max_stop_sequences") int maxStopSequences,
    @JsonProperty("max_input_tokens") int maxInputTokens,
    @JsonProperty("max_total_tokens") int maxTotalTokens,
    @JsonProperty("validation_workers") int validationWorkers,
    @JsonProperty("max_client_batch_size") int maxClientBatchSize,
    @JsonProperty("router") String router,
    @JsonProperty("version") String version,
    @JsonProperty("sha") @Nullable String sha,
    @JsonProperty("docker_label") @Nullable String dockerLabel,
    @JsonProperty("model_architecture") String modelArchitecture,
    @JsonProperty("context_length") int contextLength,
    @JsonProperty("vocab_size") int vocabSize,
    @JsonProperty("quantization") String quantization,
    @JsonProperty("weights_bytes") long weightsBytes,
    @JsonProperty("default_max_new_tokens") int defaultMaxNewTokens,
    @JsonProperty("max_top_n_tokens") int maxTopNTokens,
    @JsonProperty("kernel_backend") String kernelBackend,
    @JsonProperty("kernel_reason") String kernelReason,
    @JsonProperty("vector_bits") int vectorBits,
    @JsonProperty("threads") int threads,
    @JsonProperty("deterministic") boolean deterministic,
    @JsonProperty("kv_cache_bytes") long kvCacheBytes,
    @JsonProperty("kv_cache_tokens") long kvCacheTokens,
    @JsonProperty("kv_block_tokens") int kvBlockTokens,
    @JsonProperty("kv_cache_type") String kvCacheType,
    @JsonProperty("prefix_cache_scope") String prefixCacheScope) {

  /// Where it comes from.
  @FunctionalInterface
  public interface Source {
    /// @throws dev.slabstream.generation.GenerationException LOADING while there is no model,
    ///     DRAINING when the service ends
    ServiceInfo info();
  }
}
