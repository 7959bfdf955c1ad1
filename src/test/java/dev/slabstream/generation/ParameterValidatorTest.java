package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterValidatorTest {
  private static final int VOCAB_SIZE = 300;
  private static final long RANDOM_SEED = 4711;

  private final ParameterValidator validator =
      new ParameterValidator(GenerationSettings.DEFAULTS, VOCAB_SIZE, () -> RANDOM_SEED);

  static final List<Arguments> REFUSED =
      List.of(
          refused("max_new_tokens", 0, p -> p.maxNewTokens(0)),
          refused("temperature", -0.1, p -> p.temperature(-0.1)),
          refused("temperature", Double.NaN, p -> p.temperature(Double.NaN)),
          refused("temperature", Double.POSITIVE_INFINITY, p -> p.temperature(1 / 0.0)),
          refused("top_k", -1, p -> p.topK(-1)),
          refused("top_p", 0.0, p -> p.topP(0.0)),
          refused("top_p", -0.0, p -> p.topP(-0.0)),
          refused("top_p", 1.01, p -> p.topP(1.01)),
          refused("top_p", Double.NaN, p -> p.topP(Double.NaN)),
          refused("min_p", -0.01, p -> p.minP(-0.01)),
          refused("min_p", 1.01, p -> p.minP(1.01)),
          refused("typical_p", 0.0, p -> p.typicalP(0.0)),
          refused("typical_p", 1.01, p -> p.typicalP(1.01)),
          refused("repetition_penalty", 0.0, p -> p.repetitionPenalty(0.0)),
          refused("repetition_penalty", -1.0, p -> p.repetitionPenalty(-1.0)),
          refused("repetition_penalty", 1 / 0.0, p -> p.repetitionPenalty(1 / 0.0)),
          refused("frequency_penalty", -2.1, p -> p.frequencyPenalty(-2.1)),
          refused("frequency_penalty", 2.1, p -> p.frequencyPenalty(2.1)),
          refused("presence_penalty", -2.1, p -> p.presencePenalty(-2.1)),
          refused("presence_penalty", Double.NaN, p -> p.presencePenalty(Double.NaN)),
          refused("logit_bias", "\"300\"", p -> p.logitBias(Map.of("300", 1.0))),
          refused("logit_bias", "\"-1\"", p -> p.logitBias(Map.of("-1", 1.0))),
          refused("logit_bias", "\"01\"", p -> p.logitBias(Map.of("01", 1.0))),
          refused("logit_bias", "\"9999999999\"", p -> p.logitBias(Map.of("9999999999", 1.0))),
          refused("logit_bias", "\"cat\"", p -> p.logitBias(Map.of("cat", 1.0))),
          refused("logit_bias", 101.0, p -> p.logitBias(Map.of("1", 101.0))),
          refused("logit_bias", Double.NaN, p -> p.logitBias(Map.of("1", Double.NaN))),
          refused("logit_bias", null, p -> p.logitBias(Collections.singletonMap("1", null))),
          refused("seed", -1L, p -> p.seed(-1L)),
          refused("stop", "", p -> p.stop(List.of("a", ""))),
          refused("stop", null, p -> p.stop(Arrays.asList("a", null))),
          refused("stop", 5, p -> p.stop(List.of("a", "b", "c", "d", "e"))),
          refused("stop", 257, p -> p.stop(List.of("a".repeat(257)))),
          refused("stop", "a lone surrogate", p -> p.stop(List.of("a\uDE00"))),
          refused("stop_token_ids", 300, p -> p.stopTokenIds(List.of(1, 300))),
          refused("stop_token_ids", -1, p -> p.stopTokenIds(List.of(-1))),
          refused("stop_token_ids", null, p -> p.stopTokenIds(Collections.singletonList(null))),
          refused("stop_token_ids", 17, p -> p.stopTokenIds(Collections.nCopies(17, 1))),
          refused("top_n_tokens", 6, p -> p.topNTokens(6)),
          refused("top_n_tokens", -1, p -> p.topNTokens(-1)),
          refused("truncate", 0, p -> p.truncate(0)));

  @ParameterizedTest
  @FieldSource("REFUSED")
  void refusesWhatIsOutOfRangeAndNamesFieldLimitAndValue(
      String field, @Nullable Object actual, ParametersBuilder.Change change) {
    GenerateParameters sent = ParametersBuilder.parameters(change);
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> validator.validate(sent))
        .satisfies(
            e -> {
              assertThat(e.type()).isEqualTo(ErrorType.VALIDATION);
              assertThat(e.field()).isEqualTo(field);
              assertThat(e.limit()).isNotNull();
              assertThat(e.actual()).isEqualTo(actual);
              assertThat(e).hasMessageStartingWith("`" + field + "` must ");
            });
  }

  @Test
  void refusesTooManyBiases() {
    Map<String, Double> biases = new HashMap<>();
    for (int id = 0; id <= GenerationSettings.DEFAULTS.maxLogitBias(); id++) {
      biases.put(Integer.toString(id), 1.0);
    }
    GenerateParameters sent = ParametersBuilder.parameters(p -> p.logitBias(biases));
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> validator.validate(sent))
        .withMessage("`logit_bias` must have at most 1024 entries; got 1025");
  }

  @Test
  void acceptsTheBordersOfEveryRange() {
    ValidParameters valid =
        validator.validate(
            ParametersBuilder.parameters(
                p ->
                    p.maxNewTokens(1)
                        .temperature(Double.MIN_VALUE)
                        .topK(0)
                        .topP(1.0)
                        .minP(1.0)
                        .typicalP(1.0)
                        .repetitionPenalty(Double.MIN_VALUE)
                        .frequencyPenalty(-2.0)
                        .presencePenalty(2.0)
                        .logitBias(Map.of("0", -100.0, "299", 100.0))
                        .seed(Long.MAX_VALUE)
                        .stop(List.of("a".repeat(256), "b", "😀", "d"))
                        .stopTokenIds(List.of(0, 299))
                        .topNTokens(5)
                        .truncate(1)));
    assertThat(valid.maxNewTokens()).hasValue(1);
    assertThat(valid.seed()).hasValue(Long.MAX_VALUE);
    assertThat(valid.sampling().seed()).isEqualTo(Long.MAX_VALUE);
    assertThat(valid.sampling().logitBias())
        .containsOnly(Map.entry(0, -100.0), Map.entry(299, 100.0));
    assertThat(valid.stopTokenIds()).containsExactly(0, 299);
    assertThat(valid.truncate()).hasValue(1);
  }

  @Test
  void isGreedyWithoutSeedWhenNothingIsSaid() {
    ValidParameters valid = validator.validate(GenerateParameters.NONE);
    assertThat(valid.sampling().temperature()).isZero();
    assertThat(valid.seed()).isEmpty();
    assertThat(valid.maxNewTokens()).isEmpty();
  }

  static Stream<ParametersBuilder.Change> sampling() {
    return Stream.of(
        p -> p.doSample(true),
        p -> p.temperature(0.7),
        p -> p.temperature(1.0),
        p -> p.doSample(false).temperature(0.7),
        p -> p.topK(5),
        p -> p.topP(0.9),
        p -> p.minP(0.1),
        p -> p.typicalP(0.9));
  }

  @ParameterizedTest
  @MethodSource("sampling")
  void samplesWhenAskedToOrWhenOnlySamplingCanDoWhatIsAsked(ParametersBuilder.Change change) {
    ValidParameters valid = validator.validate(ParametersBuilder.parameters(change));
    assertThat(valid.sampling().temperature()).isPositive();
    assertThat(valid.seed()).hasValue(RANDOM_SEED);
    assertThat(valid.sampling().seed()).isEqualTo(RANDOM_SEED);
  }

  static Stream<ParametersBuilder.Change> greedy() {
    return Stream.of(
        p -> p.doSample(false),
        p -> p.doSample(true).temperature(0.0),
        p -> p.topK(5).temperature(0.0),
        p -> p.topK(0).topP(1.0).minP(0.0).typicalP(1.0),
        p -> p.repetitionPenalty(1.2),
        p -> p.seed(5L));
  }

  @ParameterizedTest
  @MethodSource("greedy")
  void isGreedyAtTemperatureZeroAndWhenNothingAsksForSampling(ParametersBuilder.Change change) {
    ValidParameters valid = validator.validate(ParametersBuilder.parameters(change));
    assertThat(valid.sampling().temperature()).isZero();
    assertThat(valid.seed()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void takesWhatIsAbsentFromTheDefaults(boolean ignoreEos) {
    GenerateParameters defaults =
        ParametersBuilder.parameters(
            p -> p.temperature(0.5).seed(9L).stop(List.of("x")).ignoreEos(!ignoreEos).topK(7));
    GenerateParameters sent =
        ParametersBuilder.parameters(p -> p.ignoreEos(ignoreEos).stop(List.of()).topK(3));
    ValidParameters valid = validator.validate(sent.over(defaults));
    assertThat(valid.sampling().temperature()).isEqualTo(0.5);
    assertThat(valid.sampling().topK()).isEqualTo(3);
    assertThat(valid.seed()).hasValue(9);
    assertThat(valid.stop()).isEmpty();
    assertThat(valid.ignoreEos()).isEqualTo(ignoreEos);
  }

  private static Arguments refused(
      String field, @Nullable Object actual, ParametersBuilder.Change change) {
    return Arguments.of(field, actual, change);
  }
}
