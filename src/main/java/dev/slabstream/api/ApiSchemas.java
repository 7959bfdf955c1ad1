package dev.slabstream.api;

import dev.slabstream.engine.FinishReason;
import dev.slabstream.generation.ErrorType;
import io.swagger.v3.oas.models.media.JsonSchema;
import io.swagger.v3.oas.models.media.Schema;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The JSON schemas of the OpenAPI document (JSON Schema 2020-12, as OpenAPI 3.1 takes it).
/// Parameters come from [Parameter], error types from [ErrorType]; a test holds the rest against
/// the records that are written.
final class ApiSchemas {
  static final String GENERATE_REQUEST = "GenerateRequest";
  static final String GENERATE_PARAMETERS = "GenerateParameters";
  static final String GENERATE_RESPONSE = "GenerateResponse";
  static final String STREAM_RESPONSE = "StreamResponse";
  static final String SESSION_REQUEST = "SessionRequest";
  static final String SESSION = "Session";
  static final String INFO = "Info";
  static final String ERROR = "Error";

  private static final String TOKEN = "Token";
  private static final String DETAILS = "Details";
  private static final String STREAM_DETAILS = "StreamDetails";
  private static final String CACHED_TOKENS = "cached_tokens";
  private static final String PREFILL_TOKEN = "PrefillToken";

  private ApiSchemas() {}

  static Map<String, Schema<?>> all() {
    Map<String, Schema<?>> schemas = new LinkedHashMap<>();
    schemas.put(GENERATE_REQUEST, generateRequest());
    schemas.put(GENERATE_PARAMETERS, parameters());
    schemas.put(GENERATE_RESPONSE, generateResponse());
    schemas.put(DETAILS, details());
    schemas.put(STREAM_RESPONSE, streamResponse());
    schemas.put(STREAM_DETAILS, streamDetails());
    schemas.put(TOKEN, token());
    schemas.put(PREFILL_TOKEN, prefillToken());
    schemas.put(SESSION_REQUEST, sessionRequest());
    schemas.put(SESSION, session());
    schemas.put(INFO, info());
    schemas.put(ERROR, error());
    return schemas;
  }

  static Schema<?> ref(String name) {
    return new JsonSchema().$ref("#/components/schemas/" + name);
  }

  private static Schema<?> generateRequest() {
    return object("inputs")
        .property("inputs", string("The prompt, at least one character.").minLength(1))
        .property("parameters", ref(GENERATE_PARAMETERS))
        .property(
            "stream",
            orNull("boolean", "Whether to stream. Absent: if `Accept` asks for text/event-stream."))
        .property(
            "add_special_tokens",
            orNull("boolean", "As in TGI; only true, which is the default, is supported."));
  }

  private static Schema<?> parameters() {
    Part schema = object();
    for (Parameter parameter : Parameter.values()) {
      schema.property(parameter.fieldName(), parameter(parameter));
    }
    schema.setAdditionalProperties(false);
    return schema;
  }

  private static Schema<?> parameter(Parameter parameter) {
    Schema<?> schema =
        switch (parameter.kind()) {
          case INTEGER -> orNull("integer", parameter.description()).format("int32");
          case LONG -> orNull("integer", parameter.description()).format("int64");
          case NUMBER -> orNull("number", parameter.description()).format("double");
          case BOOLEAN -> orNull("boolean", parameter.description());
          case STRINGS -> orNull("array", parameter.description()).items(of("string", ""));
          case INTEGERS -> orNull("array", parameter.description()).items(of("integer", ""));
          case BIASES -> {
            Schema<?> biases = orNull("object", parameter.description());
            biases.setAdditionalProperties(of("number", ""));
            yield biases;
          }
        };
    parameter.minimum().ifPresent(minimum -> schema.setMinimum(BigDecimal.valueOf(minimum)));
    parameter.maximum().ifPresent(maximum -> schema.setMaximum(BigDecimal.valueOf(maximum)));
    return schema;
  }

  private static Schema<?> generateResponse() {
    return object("generated_text")
        .property("generated_text", string("The text, without the stop string."))
        .property("details", ref(DETAILS));
  }

  private static Schema<?> details() {
    return object("finish_reason", "generated_tokens", "seed", "prefill", "tokens", CACHED_TOKENS)
        .property("finish_reason", finishReason())
        .property("generated_tokens", of("integer", "Tokens generated."))
        .property("seed", orNull("integer", "The seed in use; null when nothing was random."))
        .property("prefill", list(PREFILL_TOKEN, "The prompt's tokens, if asked for."))
        .property("tokens", list(TOKEN, "The tokens generated."))
        .property(
            "top_tokens",
            of("array", "For each token the likeliest ones, if asked for.").items(list(TOKEN, "")))
        .property(CACHED_TOKENS, cachedTokens());
  }

  private static Schema<?> streamResponse() {
    return object("index", "token", "generated_text", "details")
        .property("index", of("integer", "Number of the token, from 1."))
        .property("token", ref(TOKEN))
        .property("top_tokens", list(TOKEN, "The likeliest tokens, if asked for."))
        .property("generated_text", orNull("string", "The whole text, with the last token only."))
        .property(
            "details",
            new JsonSchema()
                .oneOf(List.of(ref(STREAM_DETAILS), of("null", "")))
                .description("With the last token only, if asked for."));
  }

  private static Schema<?> streamDetails() {
    return object("finish_reason", "generated_tokens", "seed", "input_length", CACHED_TOKENS)
        .property("finish_reason", finishReason())
        .property("generated_tokens", of("integer", "Tokens generated."))
        .property("seed", orNull("integer", "The seed in use; null when nothing was random."))
        .property("input_length", of("integer", "Tokens of the prompt."))
        .property(CACHED_TOKENS, cachedTokens());
  }

  private static Schema<?> cachedTokens() {
    return of("integer", "Tokens of the prompt that came from the prefix cache.");
  }

  private static Schema<?> token() {
    return object("id", "text", "logprob", "special")
        .property("id", of("integer", ""))
        .property("text", string(""))
        .property(
            "logprob", orNull("number", "Natural logarithm of the probability, by raw logits."))
        .property("special", of("boolean", "Whether it is a control token."));
  }

  private static Schema<?> prefillToken() {
    return object("id", "text", "logprob")
        .property("id", of("integer", ""))
        .property("text", string(""))
        .property("logprob", orNull("number", "Null for the first token."));
  }

  private static Schema<?> sessionRequest() {
    return object().property("parameters", ref(GENERATE_PARAMETERS));
  }

  private static Schema<?> session() {
    Part session =
        object(
            "id",
            "created_at",
            "last_used_at",
            "idle_timeout_seconds",
            "parameters",
            "busy",
            "requests",
            "generated_tokens",
            CACHED_TOKENS);
    return session
        .property("id", string("Unguessable: whoever knows it may use the session."))
        .property("created_at", string("").format("date-time"))
        .property("last_used_at", string("").format("date-time"))
        .property("idle_timeout_seconds", of("number", "Idle for so long, it expires."))
        .property("parameters", ref(GENERATE_PARAMETERS))
        .property("busy", of("boolean", "Whether a request is in flight."))
        .property("requests", of("integer", "Requests so far."))
        .property("generated_tokens", of("integer", "Tokens generated so far."))
        .property(CACHED_TOKENS, of("integer", "Prompt tokens so far that were cached."));
  }

  /// From the record itself: the body has dozens of plain fields.
  private static Schema<?> info() {
    Part info = object();
    for (var component : ServiceInfo.class.getRecordComponents()) {
      String name = JsonNames.of(component);
      Class<?> type = component.getType();
      String jsonType =
          type == int.class || type == long.class
              ? "integer"
              : type == boolean.class ? "boolean" : "string";
      boolean nullable = Set.of("model_sha", "sha", "docker_label").contains(name);
      info.property(name, nullable ? orNull(jsonType, "") : of(jsonType, ""));
    }
    return info;
  }

  private static Schema<?> error() {
    Schema<?> type =
        choice(
            "A stable name; the same one labels the metrics.",
            Arrays.stream(ErrorType.values()).map(ErrorType::label).toList());
    return object("error", "error_type")
        .property("error", string("What happened, for a person."))
        .property("error_type", type)
        .property("field", string("The field at fault, if there is one."))
        .property("limit", new JsonSchema().description("What it may be."))
        .property("actual", new JsonSchema().description("What it was."));
  }

  private static Schema<?> finishReason() {
    return choice(
        "Why it ended.", Arrays.stream(FinishReason.values()).map(Replies::reason).toList());
  }

  private static Part object(String... required) {
    Part schema = new Part();
    schema.setTypes(Set.of("object"));
    if (required.length > 0) {
      schema.setRequired(List.of(required));
    }
    return schema;
  }

  private static Schema<?> list(String element, String description) {
    return of("array", description).items(ref(element));
  }

  private static Schema<?> choice(String description, List<String> values) {
    JsonSchema schema = new JsonSchema();
    schema.setEnum(new ArrayList<>(values));
    schema.setTypes(Set.of("string"));
    schema.setDescription(description);
    return schema;
  }

  private static Schema<?> string(String description) {
    return of("string", description);
  }

  private static Schema<?> of(String type, String description) {
    return described(new JsonSchema(), description).types(Set.of(type));
  }

  private static Schema<?> orNull(String type, String description) {
    return described(new JsonSchema(), description)
        .types(new LinkedHashSet<>(List.of(type, "null")));
  }

  private static Schema<?> described(Schema<?> schema, String description) {
    return description.isEmpty() ? schema : schema.description(description);
  }

  /// An object schema that grows property by property.
  private static final class Part extends JsonSchema {
    Part property(String name, Schema<?> schema) {
      addProperty(name, schema);
      return this;
    }
  }
}
