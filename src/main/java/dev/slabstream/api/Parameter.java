package dev.slabstream.api;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Every generation parameter a client may send: what [RequestParser] accepts, what the OpenAPI
/// document describes, and what "did you mean" chooses from. The ranges are stated here for the
/// document; `generation` is what checks them.
enum Parameter {
  MAX_NEW_TOKENS(
      "max_new_tokens",
      Kind.INTEGER,
      1d,
      null,
      "Most tokens to generate. Absent: the rest of the context, at most `default_max_new_tokens` of `/info`."),
  DO_SAMPLE(
      "do_sample",
      Kind.BOOLEAN,
      null,
      null,
      "Whether to sample. Absent: if temperature, top_k, top_p, min_p or typical_p is given."),
  TEMPERATURE("temperature", Kind.NUMBER, 0d, null, "Logits are divided by it; 0 is greedy."),
  TOP_K("top_k", Kind.INTEGER, 0d, null, "Sample among the k most likely tokens; 0 is off."),
  TOP_P(
      "top_p",
      Kind.NUMBER,
      0d,
      1d,
      "Sample among the most likely tokens whose probabilities sum up to this, above 0; 1 is off."),
  MIN_P(
      "min_p",
      Kind.NUMBER,
      0d,
      1d,
      "Sample among tokens at least this likely relative to the likeliest; 0 is off."),
  TYPICAL_P(
      "typical_p",
      Kind.NUMBER,
      0d,
      1d,
      "Locally typical sampling with this mass, above 0; 1 is off."),
  REPETITION_PENALTY(
      "repetition_penalty",
      Kind.NUMBER,
      0d,
      null,
      "Above 0. Divides the positive and multiplies the negative logits of tokens seen before; 1 is off."),
  FREQUENCY_PENALTY(
      "frequency_penalty",
      Kind.NUMBER,
      -2d,
      2d,
      "Subtracted from a token's logit once per earlier occurrence in the output; 0 is off."),
  PRESENCE_PENALTY(
      "presence_penalty",
      Kind.NUMBER,
      -2d,
      2d,
      "Subtracted from the logit of each token that the output holds already; 0 is off."),
  LOGIT_BIAS(
      "logit_bias",
      Kind.BIASES,
      null,
      null,
      "Token id (as a string) to a number from -100 to 100 that is added to the token's logit."),
  SEED(
      "seed",
      Kind.LONG,
      0d,
      null,
      "Same seed, same request: same text. Absent: random, and the details say which was used."),
  STOP("stop", Kind.STRINGS, null, null, "Strings that end the text; they are no part of it."),
  STOP_TOKEN_IDS("stop_token_ids", Kind.INTEGERS, null, null, "Token ids that end the text."),
  IGNORE_EOS(
      "ignore_eos", Kind.BOOLEAN, null, null, "Whether to go on after an end-of-text token."),
  DETAILS(
      "details",
      Kind.BOOLEAN,
      null,
      null,
      "Whether the reply says why it ended, how long it was, and with which seed."),
  DECODER_INPUT_DETAILS(
      "decoder_input_details",
      Kind.BOOLEAN,
      null,
      null,
      "Whether the details list the prompt's tokens with log-probabilities. Not for streams."),
  TOP_N_TOKENS(
      "top_n_tokens",
      Kind.INTEGER,
      0d,
      null,
      "How many of the most likely tokens to report with each token."),
  TRUNCATE("truncate", Kind.INTEGER, 1d, null, "Keep only the last N tokens of a longer prompt."),
  RETURN_FULL_TEXT(
      "return_full_text",
      Kind.BOOLEAN,
      null,
      null,
      "Whether `generated_text` begins with the prompt.");

  /// The JSON a value is written in.
  enum Kind {
    INTEGER("an integer"),
    LONG("an integer of 64 bits"),
    NUMBER("a number"),
    BOOLEAN("true or false"),
    STRINGS("a list of strings"),
    INTEGERS("a list of integers"),
    BIASES("an object of token ids and numbers");

    private final String description;

    Kind(String description) {
      this.description = description;
    }

    String description() {
      return description;
    }
  }

  private final String fieldName;
  private final Kind kind;
  private final @Nullable Double minimum;
  private final @Nullable Double maximum;
  private final String description;

  Parameter(
      String fieldName,
      Kind kind,
      @Nullable Double minimum,
      @Nullable Double maximum,
      String description) {
    this.fieldName = fieldName;
    this.kind = kind;
    this.minimum = minimum;
    this.maximum = maximum;
    this.description = description;
  }

  static List<String> fieldNames() {
    return Arrays.stream(values()).map(Parameter::fieldName).toList();
  }

  static boolean isKnown(String fieldName) {
    return Arrays.stream(values()).anyMatch(p -> p.fieldName.equals(fieldName));
  }

  String fieldName() {
    return fieldName;
  }

  Kind kind() {
    return kind;
  }

  Optional<Double> minimum() {
    return Optional.ofNullable(minimum);
  }

  Optional<Double> maximum() {
    return Optional.ofNullable(maximum);
  }

  String description() {
    return description;
  }
}
