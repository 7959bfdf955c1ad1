package dev.slabstream.generation;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Makes [GenerateParameters] by name.
final class ParametersBuilder {
  /// A change of some parameters.
  @FunctionalInterface
  interface Change {
    ParametersBuilder apply(ParametersBuilder parameters);

    /// This change, then another.
    default Change andThen(Change next) {
      return parameters -> next.apply(apply(parameters));
    }
  }

  private @Nullable Integer maxNewTokens;
  private @Nullable Boolean doSample;
  private @Nullable Double temperature;
  private @Nullable Integer topK;
  private @Nullable Double topP;
  private @Nullable Double minP;
  private @Nullable Double typicalP;
  private @Nullable Double repetitionPenalty;
  private @Nullable Double frequencyPenalty;
  private @Nullable Double presencePenalty;
  private @Nullable Map<String, Double> logitBias;
  private @Nullable Long seed;
  private @Nullable List<String> stop;
  private @Nullable List<Integer> stopTokenIds;
  private @Nullable Boolean ignoreEos;
  private @Nullable Boolean decoderInputDetails;
  private @Nullable Integer topNTokens;
  private @Nullable Integer truncate;
  private @Nullable Boolean returnFullText;

  static GenerateParameters parameters(Change change) {
    ParametersBuilder p = change.apply(new ParametersBuilder());
    return new GenerateParameters(
        p.maxNewTokens,
        p.doSample,
        p.temperature,
        p.topK,
        p.topP,
        p.minP,
        p.typicalP,
        p.repetitionPenalty,
        p.frequencyPenalty,
        p.presencePenalty,
        p.logitBias,
        p.seed,
        p.stop,
        p.stopTokenIds,
        p.ignoreEos,
        null,
        p.decoderInputDetails,
        p.topNTokens,
        p.truncate,
        p.returnFullText);
  }

  ParametersBuilder maxNewTokens(Integer value) {
    maxNewTokens = value;
    return this;
  }

  ParametersBuilder doSample(Boolean value) {
    doSample = value;
    return this;
  }

  ParametersBuilder temperature(Double value) {
    temperature = value;
    return this;
  }

  ParametersBuilder topK(Integer value) {
    topK = value;
    return this;
  }

  ParametersBuilder topP(Double value) {
    topP = value;
    return this;
  }

  ParametersBuilder minP(Double value) {
    minP = value;
    return this;
  }

  ParametersBuilder typicalP(Double value) {
    typicalP = value;
    return this;
  }

  ParametersBuilder repetitionPenalty(Double value) {
    repetitionPenalty = value;
    return this;
  }

  ParametersBuilder frequencyPenalty(Double value) {
    frequencyPenalty = value;
    return this;
  }

  ParametersBuilder presencePenalty(Double value) {
    presencePenalty = value;
    return this;
  }

  ParametersBuilder logitBias(Map<String, Double> value) {
    logitBias = value;
    return this;
  }

  ParametersBuilder seed(Long value) {
    seed = value;
    return this;
  }

  ParametersBuilder stop(List<String> value) {
    stop = value;
    return this;
  }

  ParametersBuilder stopTokenIds(List<Integer> value) {
    stopTokenIds = value;
    return this;
  }

  ParametersBuilder ignoreEos(Boolean value) {
    ignoreEos = value;
    return this;
  }

  ParametersBuilder decoderInputDetails(Boolean value) {
    decoderInputDetails = value;
    return this;
  }

  ParametersBuilder topNTokens(Integer value) {
    topNTokens = value;
    return this;
  }

  ParametersBuilder truncate(Integer value) {
    truncate = value;
    return this;
  }

  ParametersBuilder returnFullText(Boolean value) {
    returnFullText = value;
    return this;
  }
}
