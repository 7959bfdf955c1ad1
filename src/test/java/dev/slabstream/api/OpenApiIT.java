package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.generation.ErrorType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The OpenAPI document says what the server does.
final class OpenApiIT {
  private static EdgeServer server;
  private static JsonNode document;

  @BeforeAll
  static void fetch() throws IOException {
    server = EdgeServer.serving();
    RawHttp.Reply reply = RawHttp.exchange(server.port(), "GET", "/v3/api-docs", "");
    assertThat(reply.status()).isEqualTo(200);
    document = JsonMapper.builder().build().readTree(reply.body());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static JsonNode schema(String name) {
    return document.at("/components/schemas/" + name);
  }

  private static List<String> properties(String schema) {
    return List.copyOf(schema(schema).path("properties").propertyNames());
  }

  private static JsonNode operation(String path, String method) {
    return document.path("paths").path(path).path(method);
  }

  @Test
  void documentHasEveryPathAndNoOther() {
    assertThat(document.path("openapi").stringValue()).startsWith("3.1");
    assertThat(document.path("paths").propertyNames())
        .containsExactlyInAnyOrder(
            "/generate", "/generate_stream", "/sessions", "/sessions/{id}", "/info", "/health");
    assertThat(operation("/sessions/{id}", "get").isMissingNode()).isFalse();
    assertThat(operation("/sessions/{id}", "delete").isMissingNode()).isFalse();
  }

  @Test
  void schemasHaveTheFieldsThatAreWritten() {
    Map<String, Class<? extends Record>> records =
        Map.of(
            "StreamResponse", Replies.StreamResponse.class,
            "StreamDetails", Replies.StreamDetails.class,
            "GenerateResponse", Replies.GenerateResponse.class,
            "Details", Replies.Details.class,
            "Token", Replies.Token.class,
            "PrefillToken", Replies.PrefillToken.class,
            "Session", SessionBody.class,
            "Info", ServiceInfo.class,
            "Error", ErrorBody.class);
    records.forEach(
        (name, record) ->
            assertThat(properties(name)).as(name).containsExactlyElementsOf(JsonNames.of(record)));
  }

  @Test
  void parametersAreTheOnesThatAreAccepted() {
    assertThat(properties("GenerateParameters"))
        .containsExactlyElementsOf(Parameter.fieldNames())
        .containsExactlyElementsOf(JsonNames.of(SessionBody.Defaults.class));
    assertThat(schema("GenerateParameters").path("additionalProperties").booleanValue(true))
        .isFalse();
  }

  @Test
  void everyRefusalThatIsPromisedIsAnErrorWithItsTypes() {
    List<String> promised = new ArrayList<>();
    operation("/generate", "post")
        .path("responses")
        .properties()
        .forEach(
            response -> {
              if (!response.getKey().equals("200")) {
                assertThat(
                        response
                            .getValue()
                            .at("/content/application~1json/schema/$ref")
                            .stringValue())
                    .isEqualTo("#/components/schemas/Error");
                promised.addAll(
                    List.of(response.getValue().path("description").stringValue().split(", ")));
              }
            });
    assertThat(promised)
        .contains("malformed", "validation", "session_busy", "overloaded", "loading", "draining");
    List<String> types = Arrays.stream(ErrorType.values()).map(ErrorType::label).toList();
    assertThat(types).containsAll(promised);
    assertThat(
            schema("Error")
                .at("/properties/error_type/enum")
                .valueStream()
                .map(JsonNode::stringValue))
        .containsExactlyElementsOf(types);
  }

  @Test
  void refusalsThatPassTellWhenToTryAgain() {
    JsonNode responses = operation("/generate", "post").path("responses");
    assertThat(responses.at("/429/headers").propertyNames()).containsExactly("Retry-After");
    assertThat(responses.at("/503/headers").propertyNames()).containsExactly("Retry-After");
    assertThat(responses.at("/503/description").stringValue()).contains("queue_timeout");
    assertThat(responses.at("/504/description").stringValue()).isEqualTo("timeout");
    assertThat(responses.at("/504/headers").isMissingNode()).isTrue();
    assertThat(operation("/sessions", "post").at("/responses/429/headers").isMissingNode())
        .isTrue();
  }

  @Test
  void generateTellsBothItsShapes() {
    JsonNode content = operation("/generate", "post").at("/responses/200/content");
    assertThat(content.propertyNames())
        .containsExactlyInAnyOrder("application/json", "text/event-stream");
    assertThat(operation("/generate", "post").path("requestBody").path("required").booleanValue())
        .isTrue();
    assertThat(
            operation("/generate", "post")
                .path("parameters")
                .valueStream()
                .map(p -> p.path("name").stringValue()))
        .containsExactly("X-Session-Id", "slabstream-session");
  }
}
