package dev.slabstream.generation;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The parameters of a request as a client sent them: null = absent. Names and meanings are TGI's, and ours where TGI has none.
/// Not valid yet: see [GenerationService#generate].
public record GenerateParameters(
    @Nullable Integer maxNewTokens,
    @Nullable Boolean doSample,
    @Nullable Double temperature,
    @Nullable Integer topK,
    @Nullable Double topP,
    @Nullable Double minP,
    @Nullable Double typicalP,
    @Nullable Double repetitionPenalty,
    @Nullable Double frequencyPenalty,
    @Nullable Double presencePenalty,
    @Nullable Map<String, Double> logitBias,
    @Nullable Long seed,
    @Nullable List<String> stop,
    @Nullable List<Integer> stopTokenIds,
    @Nullable Boolean ignoreEos,
    @Nullable Boolean details,
    @Nullable Boolean decoderInputDetails,
    @Nullable Integer topNTokens,
    @Nullable Integer truncate,
    @Nullable Boolean returnFullText) {

  public static final GenerateParameters NONE =
      new GenerateParameters(
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null);
}
