package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Turns `inputs` into token ids that fit, with room for the new ones. That is slow for long prompts,
/// so [#encode] never runs on an event loop. Thread-safe.
final class PromptEncoder {
  private final Tokenizer tokenizer;
  private final TokenTexts texts;
  private final ServedModel model;
  private final GenerationSettings settings;
  private final TokenCountFloor floor;
  private final TokenEstimate estimate = new TokenEstimate();

  PromptEncoder(
      Tokenizer tokenizer, TokenTexts texts, ServedModel model, GenerationSettings settings) {
    this.tokenizer = tokenizer;
    this.texts = texts;
    this.model = model;
    this.settings = settings;
    this.floor = TokenCountFloor.of(tokenizer);
  }

  /// About how many tokens the tokenizer will have to make: before it does, and quick. Those that
  /// will be cut off count, too: the work on them waits in the queue like that on all others.
  ///
  /// @throws GenerationException VALIDATION when it certainly does not fit
  int estimate(String inputs, ValidParameters parameters) {
    int atLeast = Math.max(1, floor.tokensAtLeast(inputs));
    int kept = Math.min(atLeast, parameters.truncate().orElse(atLeast));
    if (tooLong(kept, parameters.maxNewTokens().orElse(1))) {
      throw tooLong("at least ", kept, parameters.maxNewTokens());
    }
    return Math.max(estimate.of(inputs), atLeast);
  }

  /// @throws GenerationException VALIDATION when there is nothing to go on from, or too much
  ValidRequest encode(String inputs, ValidParameters parameters) {
    int[] whole = withBos(idsOf(inputs));
    estimate.learn(inputs.length(), whole.length);
    int[] ids = truncated(whole, parameters.truncate());
    if (ids.length == 0) {
      throw new GenerationException(
          ErrorType.VALIDATION,
          "`inputs` holds nothing that the model has a token for",
          "inputs",
          "at least 1 token",
          0);
    }
    if (tooLong(ids.length, parameters.maxNewTokens().orElse(1))) {
      throw tooLong("", ids.length, parameters.maxNewTokens());
    }
    int room = model.maxTotalTokens() - ids.length;
    return new ValidRequest(
        ids,
        parameters.maxNewTokens().orElse(Math.min(room, settings.defaultMaxNewTokens())),
        parameters,
        parameters.decoderInputDetails() ? textsOf(ids) : List.of(),
        parameters.returnFullText() ? inputs : "");
  }

  private int[] idsOf(String inputs) {
    return tokenizer.encode(
        inputs,
        settings.specialTokensInInputs() ? SpecialTokens.RECOGNISED : SpecialTokens.AS_TEXT);
  }

  private int[] withBos(int[] ids) {
    OptionalInt bos = tokenizer.bosId();
    if (bos.isEmpty() || (ids.length > 0 && ids[0] == bos.getAsInt())) {
      return ids;
    }
    return IntStream.concat(IntStream.of(bos.getAsInt()), IntStream.of(ids)).toArray();
  }

  /// The last tokens. A BOS that the model asks for stays in front and counts: a model that was
  /// trained with it goes astray without it.
  private int[] truncated(int[] ids, OptionalInt truncate) {
    if (truncate.isEmpty() || truncate.getAsInt() >= ids.length) {
      return ids;
    }
    int keep = truncate.getAsInt();
    int[] kept = Arrays.copyOfRange(ids, ids.length - keep, ids.length);
    if (keep > 1) {
      tokenizer.bosId().ifPresent(bos -> kept[0] = bos);
    }
    return kept;
  }

  private List<String> textsOf(int[] ids) {
    return IntStream.of(ids).mapToObj(texts::of).toList();
  }

  private boolean tooLong(int promptTokens, int newTokens) {
    return (long) promptTokens + newTokens > model.maxTotalTokens();
  }

  private GenerationException tooLong(String bound, int promptTokens, OptionalInt maxNewTokens) {
    int total = model.maxTotalTokens();
    if (maxNewTokens.isEmpty()) {
      return new GenerationException(
          ErrorType.VALIDATION,
          "`inputs` must have fewer than %d tokens, the size of %s; it has %s%d"
              .formatted(total, model.limitName(), bound, promptTokens),
          "inputs",
          total - 1,
          promptTokens);
    }
    long asked = (long) promptTokens + maxNewTokens.getAsInt();
    return new GenerationException(
        ErrorType.VALIDATION,
        "`inputs` tokens + `max_new_tokens` must be at most %d, the size of %s; got %s%d + %d"
            .formatted(total, model.limitName(), bound, promptTokens, maxNewTokens.getAsInt()),
        promptTokens < total ? "max_new_tokens" : "inputs",
        total,
        asked);
  }
}
