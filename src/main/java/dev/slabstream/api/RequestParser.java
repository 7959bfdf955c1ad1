package dev.slabstream.api;

import static dev.slabstream.api.Parameter.*;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;

/// Makes a body a request, strictly: one JSON object, no key twice, nothing after it, nothing
/// unknown unless a setting allows it. Ranges are not checked here but in `generation`.
/// Thread-safe.
final class RequestParser {
  /// A request is two levels deep; a little more lets the error say what is wrong rather than where
  /// it is too deep.
  private static final int MAX_DEPTH = 32;

  /// Enough for a bias on every token of a large vocabulary.
  private static final int MAX_JSON_TOKENS = 1_000_000;

  /// Where a limit of the parser comes from, how it is made lenient, and where it began to read.
  private static final Pattern INNER_NAMES =
      Pattern.compile(",? ?\\(?from `[^`]*`|: enable `[^`]*` to allow|\\(start marker at .*");

  private static final String INPUTS = "inputs";
  private static final String PARAMETERS = "parameters";
  private static final String STREAM = "stream";
  private static final String ADD_SPECIAL_TOKENS = "add_special_tokens";

  /// TGI has these and we do not: they are accepted as long as they ask for nothing.
  private static final Set<String> UNSUPPORTED =
      Set.of("watermark", "grammar", "best_of", "adapter_id");

  private static final Set<String> TOP_LEVEL =
      Set.of(INPUTS, PARAMETERS, STREAM, ADD_SPECIAL_TOKENS);

  private final JsonMapper mapper;
  private final UnknownParameters unknownParameters;

  RequestParser(UnknownParameters unknownParameters) {
    this.unknownParameters = unknownParameters;
    this.mapper =
        JsonMapper.builder(
                JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                        StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxTokenCount(MAX_JSON_TOKENS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
  }

  /// A request to generate.
  ///
  /// @param stream as sent; null when the client left it open
  record Call(GenerateRequest request, @Nullable Boolean stream) {}

  /// @throws GenerationException MALFORMED or VALIDATION
  Call generate(byte[] body) {
    JsonFields fields = object(body);
    refuseUnknown(fields, TOP_LEVEL);
    String inputs = fields.string(INPUTS);
    if (inputs == null || inputs.isEmpty()) {
      throw new GenerationException(
          ErrorType.VALIDATION,
          "`inputs` must be a text of at least one character; it is "
              + (inputs == null ? "missing" : "empty"),
          INPUTS,
          1,
          0);
    }
    if (Boolean.FALSE.equals(fields.bool(ADD_SPECIAL_TOKENS))) {
      throw unsupported(ADD_SPECIAL_TOKENS, "true");
    }
    return new Call(new GenerateRequest(inputs, parameters(fields)), fields.bool(STREAM));
  }

  /// The default parameters of a new session; an empty body has none.
  ///
  /// @throws GenerationException MALFORMED or VALIDATION
  GenerateParameters session(byte[] body) {
    if (body.length == 0) {
      return GenerateParameters.NONE;
    }
    JsonFields fields = object(body);
    refuseUnknown(fields, Set.of(PARAMETERS));
    return parameters(fields);
  }

  private JsonFields object(byte[] body) {
    if (body.length == 0) {
      throw new GenerationException(
          ErrorType.MALFORMED, "the body is empty; it must be a JSON object");
    }
    JsonNode node;
    try {
      node = mapper.readTree(body);
    } catch (JacksonException e) {
      throw notJson(e);
    }
    if (!node.isObject()) {
      throw new GenerationException(
          ErrorType.MALFORMED, "the body must be a JSON object; it is " + JsonFields.typeOf(node));
    }
    return new JsonFields(node);
  }

  private static GenerationException notJson(JacksonException e) {
    TokenStreamLocation location = e.getLocation();
    String where =
        location == null || location.getLineNr() < 1
            ? ""
            : " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    return new GenerationException(
        ErrorType.MALFORMED, "the body is not valid JSON" + where + ": " + reason(e));
  }

  /// What the parser says, without the names of its classes and options.
  private static String reason(JacksonException e) {
    if (e instanceof MismatchedInputException) {
      return "something follows the object";
    }
    String message = e.getOriginalMessage();
    String firstLine = message == null ? "" : message.lines().findFirst().orElse("");
    String reason = INNER_NAMES.matcher(firstLine).replaceAll("").strip();
    return reason.isEmpty() ? "unreadable" : reason;
  }

  private GenerateParameters parameters(JsonFields request) {
    JsonFields sent = request.object(PARAMETERS);
    if (sent == null) {
      return GenerateParameters.NONE;
    }
    refuseUnsupported(sent);
    refuseUnknown(sent, null);
    return new GenerateParameters(
        sent.integer(MAX_NEW_TOKENS.fieldName()),
        sent.bool(DO_SAMPLE.fieldName()),
        sent.number(TEMPERATURE.fieldName()),
        sent.integer(TOP_K.fieldName()),
        sent.number(TOP_P.fieldName()),
        sent.number(MIN_P.fieldName()),
        sent.number(TYPICAL_P.fieldName()),
        sent.number(REPETITION_PENALTY.fieldName()),
        sent.number(FREQUENCY_PENALTY.fieldName()),
        sent.number(PRESENCE_PENALTY.fieldName()),
        sent.numbers(LOGIT_BIAS.fieldName()),
        sent.longInteger(SEED.fieldName()),
        sent.strings(STOP.fieldName()),
        sent.integers(STOP_TOKEN_IDS.fieldName()),
        sent.bool(IGNORE_EOS.fieldName()),
        sent.bool(DETAILS.fieldName()),
        sent.bool(DECODER_INPUT_DETAILS.fieldName()),
        sent.integer(TOP_N_TOKENS.fieldName()),
        sent.integer(TRUNCATE.fieldName()),
        sent.bool(RETURN_FULL_TEXT.fieldName()));
  }

  private static void refuseUnsupported(JsonFields sent) {
    if (Boolean.TRUE.equals(sent.bool("watermark"))) {
      throw unsupported("watermark", "false");
    }
    Integer bestOf = sent.integer("best_of");
    if (bestOf != null && bestOf != 1) {
      throw unsupported("best_of", "1");
    }
    for (String name : List.of("grammar", "adapter_id")) {
      if (sent.present(name) != null) {
        throw unsupported(name, "null");
      }
    }
  }

  private static GenerationException unsupported(String name, String accepted) {
    return new GenerationException(
        ErrorType.VALIDATION,
        "`" + name + "` is not supported by this server; leave it out, or send " + accepted,
        name,
        accepted,
        null);
  }

  /// @param known the names at the top level; null for those of the parameters
  private void refuseUnknown(JsonFields fields, @Nullable Set<String> known) {
    if (unknownParameters == UnknownParameters.IGNORE) {
      return;
    }
    for (String name : fields.object().propertyNames()) {
      boolean isKnown =
          known == null
              ? Parameter.isKnown(name) || UNSUPPORTED.contains(name)
              : known.contains(name);
      if (!isKnown) {
        throw unknown(name, known);
      }
    }
  }

  private static GenerationException unknown(String name, @Nullable Set<String> known) {
    List<String> candidates = new ArrayList<>(known == null ? Parameter.fieldNames() : known);
    Optional<String> nearest =
        known != null && Parameter.isKnown(name)
            ? Optional.of(PARAMETERS + "." + name)
            : NearestName.of(name, candidates);
    String shown = name.length() <= 64 ? name : name.substring(0, 64) + "…";
    return new GenerationException(
        ErrorType.VALIDATION,
        "unknown "
            + (known == null ? "parameter" : "field")
            + " `"
            + shown
            + "`"
            + nearest.map(n -> "; did you mean `" + n + "`?").orElse(""),
        shown,
        null,
        null);
  }
}
