package dev.slabstream.generation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The parameters of a request as a client sent them: null = absent. Names and meanings are TGI's,
/// and ours where TGI has none. Not valid yet: see [GenerationService#generate].
///
/// @param maxNewTokens at least 1; absent = the rest of the context, at most a default
/// @param doSample false or absent and no other sampling parameter given = greedy, as in TGI
/// @param temperature at least 0; 0 = greedy, whatever `do_sample` says
/// @param topK 0 = off
/// @param topP above 0; 1 = off
/// @param minP from 0 to 1; 0 = off
/// @param typicalP above 0; 1 = off
/// @param repetitionPenalty above 0; 1 = off
/// @param frequencyPenalty from -2 to 2; 0 = off
/// @param presencePenalty from -2 to 2; 0 = off
/// @param logitBias by token id in decimal, from -100 to 100
/// @param seed from 0 to 2^63 - 1; absent = random (below 2^53, so that every JSON reader can hand
///     it back)
/// @param stop strings at which the text ends; they are no part of it
/// @param stopTokenIds tokens at which the text ends
/// @param ignoreEos whether to go on past the end of the text
/// @param details what the edge shows; changes nothing here
/// @param decoderInputDetails whether to report the prompt's tokens and their log-probabilities
/// @param topNTokens alternatives to report with each token
/// @param truncate keeps that many tokens at the end of the prompt
/// @param returnFullText whether the final text begins with the prompt
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

  /// Copies what could change; nulls in a list or a map, which a client may send, are kept for
  /// validation to name.
  public GenerateParameters {
    logitBias =
        logitBias == null ? null : Collections.unmodifiableMap(new LinkedHashMap<>(logitBias));
    stop = copyOf(stop);
    stopTokenIds = copyOf(stopTokenIds);
  }

  public static final GenerateParameters NONE =
      new GenerateParameters(
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null, null, null, null);

  /// These parameters, and those of `defaults` where these are absent. An empty list or map is
  /// present: it clears the default.
  GenerateParameters over(GenerateParameters defaults) {
    return new GenerateParameters(
        or(maxNewTokens, defaults.maxNewTokens),
        or(doSample, defaults.doSample),
        or(temperature, defaults.temperature),
        or(topK, defaults.topK),
        or(topP, defaults.topP),
        or(minP, defaults.minP),
        or(typicalP, defaults.typicalP),
        or(repetitionPenalty, defaults.repetitionPenalty),
        or(frequencyPenalty, defaults.frequencyPenalty),
        or(presencePenalty, defaults.presencePenalty),
        or(logitBias, defaults.logitBias),
        or(seed, defaults.seed),
        or(stop, defaults.stop),
        or(stopTokenIds, defaults.stopTokenIds),
        or(ignoreEos, defaults.ignoreEos),
        or(details, defaults.details),
        or(decoderInputDetails, defaults.decoderInputDetails),
        or(topNTokens, defaults.topNTokens),
        or(truncate, defaults.truncate),
        or(returnFullText, defaults.returnFullText));
  }

  private static <T> @Nullable List<T> copyOf(@Nullable List<T> list) {
    return list == null ? null : Collections.unmodifiableList(new ArrayList<>(list));
  }

  private static <T> @Nullable T or(@Nullable T value, @Nullable T absent) {
    return value != null ? value : absent;
  }
}
