package dev.slabstream.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.Sessions.SessionInfo;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What the API tells about a session.
///
/// @param createdAt RFC 3339, UTC
/// @param lastUsedAt RFC 3339, UTC
/// @param idleTimeoutSeconds how long it may be idle before it expires
/// @param parameters its defaults, those that were given
/// @param busy whether a request is in flight
@JsonPropertyOrder({
  "id",
  "created_at",
  "last_used_at",
  "idle_timeout_seconds",
  "parameters",
  "busy",
  "requests",
  "generated_tokens",
  "cached_tokens"
})
record SessionBody(
    @JsonProperty("id") String id,
    @JsonProperty("created_at") String createdAt,
    @JsonProperty("last_used_at") String lastUsedAt,
    @JsonProperty("idle_timeout_seconds") double idleTimeoutSeconds,
    @JsonProperty("parameters") Defaults parameters,
    @JsonProperty("busy") boolean busy,
    @JsonProperty("requests") long requests,
    @JsonProperty("generated_tokens") long generatedTokens,
    @JsonProperty("cached_tokens") long cachedTokens) {

  static SessionBody of(SessionInfo session) {
    return new SessionBody(
        session.id(),
        session.createdAt().toString(),
        session.lastUsedAt().toString(),
        session.idleTimeout().toMillis() / 1000.0,
        Defaults.of(session.defaults()),
        session.busy(),
        session.requests(),
        session.generatedTokens(),
        session.cachedTokens());
  }

  /// The parameters by their names of [Parameter]; what is absent is left out.
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Defaults(
      @JsonProperty("max_new_tokens") @Nullable Integer maxNewTokens,
      @JsonProperty("do_sample") @Nullable Boolean doSample,
      @JsonProperty("temperature") @Nullable Double temperature,
      @JsonProperty("top_k") @Nullable Integer topK,
      @JsonProperty("top_p") @Nullable Double topP,
      @JsonProperty("min_p") @Nullable Double minP,
      @JsonProperty("typical_p") @Nullable Double typicalP,
      @JsonProperty("repetition_penalty") @Nullable Double repetitionPenalty,
      @JsonProperty("frequency_penalty") @Nullable Double frequencyPenalty,
      @JsonProperty("presence_penalty") @Nullable Double presencePenalty,
      @JsonProperty("logit_bias") @Nullable Map<String, Double> logitBias,
      @JsonProperty("seed") @Nullable Long seed,
      @JsonProperty("stop") @Nullable List<String> stop,
      @JsonProperty("stop_token_ids") @Nullable List<Integer> stopTokenIds,
      @JsonProperty("ignore_eos") @Nullable Boolean ignoreEos,
      @JsonProperty("details") @Nullable Boolean details,
      @JsonProperty("decoder_input_details") @Nullable Boolean decoderInputDetails,
      @JsonProperty("top_n_tokens") @Nullable Integer topNTokens,
      @JsonProperty("truncate") @Nullable Integer truncate,
      @JsonProperty("return_full_text") @Nullable Boolean returnFullText) {

    private static Defaults of(GenerateParameters p) {
      Map<String, Double> bias = p.logitBias();
      List<String> stop = p.stop();
      return new Defaults(
          p.maxNewTokens(),
          p.doSample(),
          p.temperature(),
          p.topK(),
          p.topP(),
          p.minP(),
          p.typicalP(),
          p.repetitionPenalty(),
          p.frequencyPenalty(),
          p.presencePenalty(),
          bias == null
              ? null
              : bias.entrySet().stream()
                  .collect(Collectors.toMap(e -> WellFormed.text(e.getKey()), Map.Entry::getValue)),
          p.seed(),
          stop == null ? null : stop.stream().map(WellFormed::text).toList(),
          p.stopTokenIds(),
          p.ignoreEos(),
          p.details(),
          p.decoderInputDetails(),
          p.topNTokens(),
          p.truncate(),
          p.returnFullText());
    }
  }
}
