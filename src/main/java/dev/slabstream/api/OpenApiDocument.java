package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.JsonSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/// Completes the OpenAPI document: springdoc finds the paths in the controllers, and cannot see
/// what these read and write by themselves. A path that is not described here stays out of the
/// document, and a test looks for those.
@Component
final class OpenApiDocument implements OpenApiCustomizer {
  private static final String JSON = org.springframework.http.MediaType.APPLICATION_JSON_VALUE;
  private static final String SSE = org.springframework.http.MediaType.TEXT_EVENT_STREAM_VALUE;

  private static final Set<ErrorType> ANY = Set.of(ErrorType.INTERNAL, ErrorType.NOT_ACCEPTABLE);
  private static final Set<ErrorType> NOT_READY = Set.of(ErrorType.LOADING, ErrorType.DRAINING);
  private static final Set<ErrorType> BODY =
      Set.of(
          ErrorType.MALFORMED,
          ErrorType.VALIDATION,
          ErrorType.TOO_LARGE,
          ErrorType.UNSUPPORTED_MEDIA_TYPE);
  private static final Set<ErrorType> GENERATING =
      Set.of(
          ErrorType.SESSION_NOT_FOUND,
          ErrorType.SESSION_BUSY,
          ErrorType.SESSION_DELETED,
          ErrorType.OVERLOADED,
          ErrorType.CANCELLED,
          ErrorType.QUEUE_TIMEOUT,
          ErrorType.TIMEOUT,
          ErrorType.NON_FINITE_LOGITS,
          ErrorType.GENERATION);

  private final String version;

  OpenApiDocument(@Value("${info.app.version}") String version) {
    this.version = version;
  }

  @Override
  public void customise(OpenAPI document) {
    document.info(
        new Info()
            .title("Slabstream")
            .version(version)
            .description(
                "Streams text of a language model. The shapes of `/generate` are those of Text Generation Inference."));
    document.setServers(null);
    document.setTags(null);
    ApiSchemas.all().forEach((name, schema) -> document.schema(name, schema));
    generate(operation(document, "/generate", PathItem.HttpMethod.POST))
        .summary("Generate, streamed or not")
        .getResponses()
        .addApiResponse("200", generated(true));
    generate(operation(document, "/generate_stream", PathItem.HttpMethod.POST))
        .summary("Generate, always streamed")
        .getResponses()
        .addApiResponse("200", generated(false));
    createSession(operation(document, "/sessions", PathItem.HttpMethod.POST));
    showSession(operation(document, "/sessions/{id}", PathItem.HttpMethod.GET));
    deleteSession(operation(document, "/sessions/{id}", PathItem.HttpMethod.DELETE));
    operation(document, "/info", PathItem.HttpMethod.GET)
        .summary("The model, the limits, what computes")
        .responses(
            errors(NOT_READY).addApiResponse("200", json(ApiSchemas.INFO, "What is served")));
    operation(document, "/health", PathItem.HttpMethod.GET)
        .summary("Whether requests are taken")
        .responses(
            errors(NOT_READY).addApiResponse("200", new ApiResponse().description("They are")));
  }

  private static Operation generate(Operation operation) {
    return operation
        .addParametersItem(
            new Parameter()
                .in("header")
                .name(SessionIds.HEADER)
                .description("The session whose generator runs the request; wins over the cookie")
                .schema(new JsonSchema().types(Set.of("string"))))
        .addParametersItem(
            new Parameter()
                .in("cookie")
                .name(SessionIds.COOKIE)
                .description("The same, as `POST /sessions` sets it")
                .schema(new JsonSchema().types(Set.of("string"))))
        .requestBody(
            new RequestBody().required(true).content(content(JSON, ApiSchemas.GENERATE_REQUEST)))
        .responses(errors(BODY, GENERATING, NOT_READY));
  }

  private static ApiResponse generated(boolean whole) {
    Content content = content(SSE, ApiSchemas.STREAM_RESPONSE);
    if (whole) {
      content.addMediaType(JSON, mediaType(ApiSchemas.GENERATE_RESPONSE));
    }
    return new ApiResponse()
        .description(
            "The text. Streamed: one event for each token, `data: {json}`; a failure after the first byte is an event with an Error")
        .content(content);
  }

  private static void createSession(Operation operation) {
    operation
        .summary("Open a session with default parameters")
        .requestBody(
            new RequestBody().required(false).content(content(JSON, ApiSchemas.SESSION_REQUEST)))
        .responses(
            errors(BODY, NOT_READY, Set.of(ErrorType.TOO_MANY_SESSIONS))
                .addApiResponse(
                    "201",
                    json(ApiSchemas.SESSION, "The session")
                        .addHeaderObject("Location", header("Its path"))
                        .addHeaderObject(
                            "Set-Cookie",
                            header("`slabstream-session`, HttpOnly and SameSite=Strict"))));
  }

  private static void showSession(Operation operation) {
    operation
        .summary("Show a session")
        .responses(
            errors(NOT_READY, Set.of(ErrorType.SESSION_NOT_FOUND))
                .addApiResponse("200", json(ApiSchemas.SESSION, "The session")));
  }

  private static void deleteSession(Operation operation) {
    operation
        .summary("Close a session and cancel its request in flight")
        .responses(
            errors(NOT_READY, Set.of(ErrorType.SESSION_NOT_FOUND))
                .addApiResponse("204", new ApiResponse().description("It is closed")));
  }

  private static Operation operation(OpenAPI document, String path, PathItem.HttpMethod method) {
    PathItem item = document.getPaths() == null ? null : document.getPaths().get(path);
    Operation operation = item == null ? null : item.readOperationsMap().get(method);
    if (operation == null) {
      throw new IllegalStateException("no controller has " + method + " " + path);
    }
    return operation.tags(null);
  }

  /// One response for each status, which names the error types that come with it.
  @SafeVarargs
  private static ApiResponses errors(Set<ErrorType>... groups) {
    TreeMap<Integer, List<String>> labelsByStatus =
        Stream.concat(ANY.stream(), Arrays.stream(groups).flatMap(Set::stream))
            .collect(
                Collectors.groupingBy(
                    ErrorType::status,
                    TreeMap::new,
                    Collectors.mapping(
                        ErrorType::label,
                        Collectors.collectingAndThen(
                            Collectors.toList(), labels -> labels.stream().sorted().toList()))));
    ApiResponses responses = new ApiResponses();
    labelsByStatus.forEach(
        (status, labels) -> {
          ApiResponse response = json(ApiSchemas.ERROR, String.join(", ", labels));
          if (status == 503 || labels.contains(ErrorType.OVERLOADED.label())) {
            response.addHeaderObject("Retry-After", header("Seconds to wait, a whole number"));
          }
          responses.addApiResponse(Integer.toString(status), response);
        });
    return responses;
  }

  private static ApiResponse json(String schema, String description) {
    return new ApiResponse().description(description).content(content(JSON, schema));
  }

  private static Content content(String type, String schema) {
    return new Content().addMediaType(type, mediaType(schema));
  }

  private static MediaType mediaType(String schema) {
    return new MediaType().schema(ApiSchemas.ref(schema));
  }

  private static Header header(String description) {
    return new Header().description(description).schema(new JsonSchema().types(Set.of("string")));
  }
}
