package dev.slabstream.generation;

import dev.slabstream.sampling.SamplingParams;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Turns parameters as sent into [ValidParameters], once; afterwards nobody checks again.
/// Thread-safe.
///
/// Ranges and meanings are those of Hugging Face's text-generation-inference, widened where the
/// value that means "off" makes sense: `temperature` 0 is greedy, `top_k` 0, `top_p` 1 and
/// `typical_p` 1 are off. As there, a request samples when `do_sample` is true or when it asks for
/// something only sampling can give (`temperature`, `top_k`, `top_p`, `min_p`, `typical_p`);
/// otherwise it is greedy. `temperature` 0 is greedy whatever else is said.
final class ParameterValidator {
  private final GenerationSettings settings;
  private final int vocabSize;
  private final LongSupplier seeds;

  /// @param seeds gives a seed to requests that sample without naming one
  ParameterValidator(GenerationSettings settings, int vocabSize, LongSupplier seeds) {
    this.settings = settings;
    this.vocabSize = vocabSize;
    this.seeds = seeds;
  }

  /// @throws GenerationException VALIDATION with field, limit and value
  ValidParameters validate(GenerateParameters sent) {
    SamplingParams sampling = sampling(sent);
    return new ValidParameters(
        atLeastOne("max_new_tokens", sent.maxNewTokens()),
        sampling,
        sampling.temperature() == 0 ? OptionalLong.empty() : OptionalLong.of(sampling.seed()),
        stop(sent.stop()),
        stopTokenIds(sent.stopTokenIds()),
        isTrue(sent.ignoreEos()),
        isTrue(sent.decoderInputDetails()),
        atLeastOne("truncate", sent.truncate()),
        isTrue(sent.returnFullText()));
  }

  private SamplingParams sampling(GenerateParameters sent) {
    double temperature =
        number("temperature", sent.temperature(), 1, 0, Double.MAX_VALUE, "at least 0 and finite");
    int topK = integer("top_k", sent.topK(), Integer.MAX_VALUE, "at least 0");
    double topP = aboveZero("top_p", sent.topP(), 1, "above 0 and at most 1");
    double minP = number("min_p", sent.minP(), 0, 0, 1, "from 0 to 1");
    double typicalP = aboveZero("typical_p", sent.typicalP(), 1, "above 0 and at most 1");
    double repetitionPenalty =
        aboveZero(
            "repetition_penalty", sent.repetitionPenalty(), Double.MAX_VALUE, "above 0 and finite");
    double frequencyPenalty =
        number("frequency_penalty", sent.frequencyPenalty(), 0, -2, 2, "from -2 to 2");
    double presencePenalty =
        number("presence_penalty", sent.presencePenalty(), 0, -2, 2, "from -2 to 2");
    Map<Integer, Double> logitBias = logitBias(sent.logitBias());
    int topN =
        integer(
            "top_n_tokens",
            sent.topNTokens(),
            settings.maxTopNTokens(),
            "from 0 to " + settings.maxTopNTokens());
    Long seed = sent.seed();
    if (seed != null && seed < 0) {
      throw refused("seed", "at least 0", seed);
    }
    boolean samples =
        isTrue(sent.doSample())
            || sent.temperature() != null
            || topK != 0
            || topP != 1
            || minP != 0
            || typicalP != 1;
    boolean greedy = temperature == 0 || !samples;
    return new SamplingParams(
        greedy ? 0 : temperature,
        topK,
        topP,
        minP,
        typicalP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        greedy ? 0 : seed != null ? seed : seeds.getAsLong(),
        topN);
  }

  private Map<Integer, Double> logitBias(@Nullable Map<String, Double> sent) {
    if (sent == null) {
      return Map.of();
    }
    atMost("logit_bias", "entries", settings.maxLogitBias(), sent.size());
    Map<Integer, Double> valid = HashMap.newHashMap(sent.size());
    sent.forEach(
        (key, bias) -> {
          OptionalInt id = canonicalInt(key);
          if (id.isEmpty() || id.getAsInt() >= vocabSize) {
            throw refused(
                "logit_bias", "keyed by token ids from 0 to " + (vocabSize - 1), quoted(key));
          }
          // NullAway takes the map's values as present; a client may still have sent null.
          if (Objects.isNull(bias) || !(bias >= -100 && bias <= 100)) {
            throw refused("logit_bias", "from -100 to 100 for each id", bias);
          }
          valid.put(id.getAsInt(), bias);
        });
    return valid;
  }

  private List<String> stop(@Nullable List<String> sent) {
    if (sent == null) {
      return List.of();
    }
    atMost("stop", "strings", settings.maxStopSequences(), sent.size());
    for (String text : sent) {
      if (Objects.isNull(text) || text.isEmpty()) {
        throw refused("stop", "a list of strings that are not empty", text);
      }
      atMost("stop", "characters in each string", settings.maxStopLength(), text.length());
      if (hasLoneSurrogate(text)) {
        throw refused("stop", "well-formed Unicode", "a lone surrogate");
      }
    }
    return List.copyOf(sent);
  }

  private int[] stopTokenIds(@Nullable List<Integer> sent) {
    if (sent == null) {
      return new int[0];
    }
    atMost("stop_token_ids", "ids", settings.maxStopTokenIds(), sent.size());
    for (Integer id : sent) {
      if (Objects.isNull(id) || id < 0 || id >= vocabSize) {
        throw refused("stop_token_ids", "token ids from 0 to " + (vocabSize - 1), id);
      }
    }
    return sent.stream().mapToInt(Integer::intValue).toArray();
  }

  private static OptionalInt atLeastOne(String field, @Nullable Integer sent) {
    if (sent == null) {
      return OptionalInt.empty();
    }
    if (sent < 1) {
      throw refused(field, "at least 1", sent);
    }
    return OptionalInt.of(sent);
  }

  private static int integer(String field, @Nullable Integer sent, int max, String allowed) {
    if (sent == null) {
      return 0;
    }
    if (sent < 0 || sent > max) {
      throw refused(field, allowed, sent);
    }
    return sent;
  }

  private static double number(
      String field, @Nullable Double sent, double absent, double min, double max, String allowed) {
    if (sent == null) {
      return absent;
    }
    if (!(sent >= min && sent <= max)) { // also when it is NaN
      throw refused(field, allowed, sent);
    }
    return sent;
  }

  /// A number in `(0, max]`; absent is 1.
  private static double aboveZero(String field, @Nullable Double sent, double max, String allowed) {
    if (sent != null && sent == 0) {
      throw refused(field, allowed, sent);
    }
    return number(field, sent, 1, 0, max, allowed);
  }

  private static void atMost(String field, String what, int max, int size) {
    if (size > max) {
      throw new GenerationException(
          ErrorType.VALIDATION,
          "`%s` must have at most %d %s; got %d".formatted(field, max, what, size),
          field,
          max,
          size);
    }
  }

  private static GenerationException refused(
      String field, String allowed, @Nullable Object actual) {
    return new GenerationException(
        ErrorType.VALIDATION,
        "`%s` must be %s; got %s".formatted(field, allowed, actual),
        field,
        allowed,
        actual);
  }

  /// A non-negative int in its one decimal spelling, so that no two keys name the same id.
  private static OptionalInt canonicalInt(String text) {
    if (!text.matches("0|[1-9][0-9]{0,9}")) {
      return OptionalInt.empty();
    }
    long value = Long.parseLong(text);
    return value <= Integer.MAX_VALUE ? OptionalInt.of((int) value) : OptionalInt.empty();
  }

  private static String quoted(String text) {
    return '"' + (text.length() <= 40 ? text : text.substring(0, 40) + "…") + '"';
  }

  private static boolean hasLoneSurrogate(String text) {
    return text.codePoints()
        .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }

  private static boolean isTrue(@Nullable Boolean sent) {
    return sent != null && sent;
  }
}
