package dev.slabstream.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.generation.GenerationEvent;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The JSON of generations as TGI writes it, field for field and in its order
/// (huggingface/text-generation-inference, `router/src/lib.rs`: `StreamResponse`,
/// `GenerateResponse`, `Token`). Log-probabilities that are no numbers become null.
final class Replies {
  private Replies() {}

  /// One event of a stream.
  ///
  /// @param index number of the token, from 1
  /// @param topTokens the likeliest tokens, if asked for
  /// @param generatedText the whole text, with the last token only
  /// @param details with the last token only, if asked for
  @JsonPropertyOrder({"index", "token", "top_tokens", "generated_text", "details"})
  record StreamResponse(
      @JsonProperty("index") int index,
      @JsonProperty("token") Token token,
      @JsonProperty("top_tokens") @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Token> topTokens,
      @JsonProperty("generated_text") @Nullable String generatedText,
      @JsonProperty("details") @Nullable StreamDetails details) {}

  /// @param seed null when nothing was random
  /// @param cachedTokens tokens of the prompt that came from the prefix cache; not TGI's
  @JsonPropertyOrder({"finish_reason", "generated_tokens", "seed", "input_length", "cached_tokens"})
  record StreamDetails(
      @JsonProperty("finish_reason") String finishReason,
      @JsonProperty("generated_tokens") int generatedTokens,
      @JsonProperty("seed") @Nullable Long seed,
      @JsonProperty("input_length") int inputLength,
      @JsonProperty("cached_tokens") int cachedTokens) {
    static StreamDetails of(GenerationEvent.Finished end) {
      return new StreamDetails(
          reason(end.reason()),
          end.generatedTokens(),
          end.seed(),
          end.inputLength(),
          end.cachedTokens());
    }
  }

  /// A reply that is not streamed.
  @JsonPropertyOrder({"generated_text", "details"})
  record GenerateResponse(
      @JsonProperty("generated_text") String generatedText,
      @JsonProperty("details") @JsonInclude(JsonInclude.Include.NON_NULL)
          @Nullable Details details) {}

  /// @param prefill the prompt's tokens; empty unless `decoder_input_details` asked for them
  /// @param topTokens for each token the likeliest ones, if asked for
  /// @param cachedTokens tokens of the prompt that came from the prefix cache; not TGI's
  @JsonPropertyOrder({
    "finish_reason",
    "generated_tokens",
    "seed",
    "prefill",
    "tokens",
    "top_tokens",
    "cached_tokens"
  })
  record Details(
      @JsonProperty("finish_reason") String finishReason,
      @JsonProperty("generated_tokens") int generatedTokens,
      @JsonProperty("seed") @Nullable Long seed,
      @JsonProperty("prefill") List<PrefillToken> prefill,
      @JsonProperty("tokens") List<Token> tokens,
      @JsonProperty("top_tokens") @JsonInclude(JsonInclude.Include.NON_EMPTY)
          List<List<Token>> topTokens,
      @JsonProperty("cached_tokens") int cachedTokens) {
    static Details of(
        GenerationEvent.Finished end, List<Token> tokens, List<List<Token>> topTokens) {
      return new Details(
          reason(end.reason()),
          end.generatedTokens(),
          end.seed(),
          end.prefill().stream().map(PrefillToken::of).toList(),
          tokens,
          topTokens,
          end.cachedTokens());
    }
  }

  /// @param logprob natural logarithm of the token's probability under the raw logits
  /// @param special whether it is a control token, whose text is no part of `generated_text`
  @JsonPropertyOrder({"id", "text", "logprob", "special"})
  record Token(
      @JsonProperty("id") int id,
      @JsonProperty("text") String text,
      @JsonProperty("logprob") @Nullable Float logprob,
      @JsonProperty("special") boolean special) {
    static Token of(GenerationEvent.TokenInfo token) {
      return new Token(
          token.id(), WellFormed.text(token.text()), finite(token.logprob()), token.special());
    }

    static List<Token> of(List<GenerationEvent.TokenInfo> tokens) {
      return tokens.stream().map(Token::of).toList();
    }
  }

  /// @param logprob null for the first token of the prompt
  @JsonPropertyOrder({"id", "text", "logprob"})
  record PrefillToken(
      @JsonProperty("id") int id,
      @JsonProperty("text") String text,
      @JsonProperty("logprob") @Nullable Float logprob) {
    static PrefillToken of(GenerationEvent.PrefillToken token) {
      Float logprob = token.logprob();
      return new PrefillToken(
          token.id(), WellFormed.text(token.text()), logprob == null ? null : finite(logprob));
    }
  }

  /// What TGI calls the ways to end.
  static String reason(FinishReason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  private static @Nullable Float finite(float value) {
    return Float.isFinite(value) ? value : null;
  }
}
