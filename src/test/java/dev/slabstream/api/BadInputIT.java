package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What bad input gets: status, `error_type`, and the field or position. And that nothing of it
/// reaches the model.
final class BadInputIT {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static EdgeServer server;

  @BeforeAll
  static void start() {
    server = EdgeServer.serving("slabstream.api.max-body-size=64KB");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void forget() {
    server.generation().requests.clear();
    server.generation().play(FakeGeneration.hello(null));
  }

  private static JsonNode refused(RawHttp.Reply reply, int status, String errorType) {
    assertThat(reply.status()).as(reply.head() + "\n" + reply.body()).isEqualTo(status);
    assertThat(reply.header("content-type")).hasValue("application/json");
    JsonNode body = JSON.readTree(reply.body());
    assertThat(body.get("error_type").stringValue()).isEqualTo(errorType);
    assertThat(body.get("error").stringValue()).isNotBlank();
    assertThat(server.generation().requests).isEmpty();
    return body;
  }

  private static RawHttp.Reply generate(String body) throws IOException {
    return RawHttp.post(server.port(), "/generate", body);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "nonsense",
        "{\"inputs\":\"hi\"} x",
        "{\"inputs\":\"hi\",}",
        "{\"inputs\":\"a\",\"inputs\":\"b\"}",
        "{'inputs':'hi'}",
        "{\"inputs\":\"\\x\"}",
        "{\"inputs\":\"hi\",\"parameters\":{\"temperature\":NaN}}",
        "[]",
        "\"hi\"",
        "null",
        "7",
        "[{\"inputs\":\"hi\"}]"
      })
  void whatIsNotOneJsonObjectIsMalformed(String body) throws IOException {
    refused(generate(body), 400, "malformed");
    refused(RawHttp.post(server.port(), "/generate_stream", body), 400, "malformed");
  }

  @Test
  void malformedJsonTellsThePosition() throws IOException {
    assertThat(
            refused(generate("{\"inputs\":\n  \"hi\" oops}"), 400, "malformed")
                .get("error")
                .stringValue())
        .contains("line 2, column");
  }

  @Test
  void invalidUtf8IsMalformed() throws IOException {
    byte[] body = "{\"inputs\":\"hiX\"}".getBytes(StandardCharsets.UTF_8);
    body[13] = (byte) 0xFF;
    refused(
        RawHttp.exchange(
            server.port(), "POST", "/generate", body, "Content-Type: application/json"),
        400,
        "malformed");
  }

  @Test
  void deepNestingIsMalformed() throws IOException {
    String body =
        "{\"inputs\":\"hi\",\"parameters\":" + "[".repeat(20_000) + "]".repeat(20_000) + "}";
    refused(generate(body), 400, "malformed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "inputs | {\"inputs\":7}",
        "inputs | {\"inputs\":[\"a\"]}",
        "parameters | {\"inputs\":\"a\",\"parameters\":[]}",
        "stream | {\"inputs\":\"a\",\"stream\":\"true\"}",
        "max_new_tokens | {\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":\"5\"}}",
        "max_new_tokens | {\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":5.5}}",
        "top_k | {\"inputs\":\"a\",\"parameters\":{\"top_k\":true}}",
        "temperature | {\"inputs\":\"a\",\"parameters\":{\"temperature\":\"hot\"}}",
        "seed | {\"inputs\":\"a\",\"parameters\":{\"seed\":1.5}}",
        "do_sample | {\"inputs\":\"a\",\"parameters\":{\"do_sample\":1}}",
        "stop | {\"inputs\":\"a\",\"parameters\":{\"stop\":\"x\"}}",
        "stop[1] | {\"inputs\":\"a\",\"parameters\":{\"stop\":[\"x\",null]}}",
        "stop_token_ids[0] | {\"inputs\":\"a\",\"parameters\":{\"stop_token_ids\":[\"x\"]}}",
        "logit_bias | {\"inputs\":\"a\",\"parameters\":{\"logit_bias\":[1]}}",
        "logit_bias.7 | {\"inputs\":\"a\",\"parameters\":{\"logit_bias\":{\"7\":\"x\"}}}",
        "watermark | {\"inputs\":\"a\",\"parameters\":{\"watermark\":\"yes\"}}"
      })
  void wrongTypeNamesTheField(String field, String body) throws IOException {
    JsonNode refusal = refused(generate(body), 400, "malformed");
    assertThat(refusal.get("field").stringValue()).isEqualTo(field);
    assertThat(refusal.has("limit")).isTrue();
    assertThat(refusal.has("actual")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"inputs\":null}",
        "{\"inputs\":\"\"}",
        "{\"parameters\":{\"max_new_tokens\":3}}"
      })
  void missingOrEmptyInputsAreInvalid(String body) throws IOException {
    JsonNode refusal = refused(generate(body), 422, "validation");
    assertThat(refusal.get("field").stringValue()).isEqualTo("inputs");
    assertThat(refusal.get("limit").intValue()).isEqualTo(1);
    assertThat(refusal.get("actual").intValue()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "max_new_tokens, 99999999999, 2147483647",
    "top_k, -99999999999, -2147483648",
    "seed, 9223372036854775808, 9223372036854775807",
    "temperature, 1e999, a finite number",
  })
  void numbersThatFitNowhereAreInvalid(String name, String value, String limit) throws IOException {
    JsonNode refusal =
        refused(
            generate("{\"inputs\":\"a\",\"parameters\":{\"" + name + "\":" + value + "}}"),
            422,
            "validation");
    assertThat(refusal.get("field").stringValue()).isEqualTo(name);
    assertThat(refusal.get("limit").asString()).isEqualTo(limit);
    assertThat(refusal.has("actual")).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "max_new_token, max_new_tokens",
    "maxNewTokens, max_new_tokens",
    "max_tokens, max_new_tokens",
    "temprature, temperature",
    "top-p, top_p",
    "stop_sequences, stop",
  })
  void unknownParameterIsRefusedWithTheNearestName(String unknown, String nearest)
      throws IOException {
    JsonNode refusal =
        refused(
            generate("{\"inputs\":\"a\",\"parameters\":{\"" + unknown + "\":1}}"),
            422,
            "validation");
    assertThat(refusal.get("field").stringValue()).isEqualTo(unknown);
    assertThat(refusal.get("error").stringValue())
        .isEqualTo("unknown parameter `" + unknown + "`; did you mean `" + nearest + "`?");
  }

  @Test
  void unknownFieldAtTheTopIsRefused() throws IOException {
    assertThat(
            refused(generate("{\"inputs\":\"a\",\"max_new_tokens\":1}"), 422, "validation")
                .get("error")
                .stringValue())
        .isEqualTo("unknown field `max_new_tokens`; did you mean `parameters.max_new_tokens`?");
    assertThat(
            refused(generate("{\"prompt\":\"a\"}"), 422, "validation").get("error").stringValue())
        .isEqualTo("unknown field `prompt`; did you mean `inputs`?");
    assertThat(
            refused(generate("{\"inputs\":\"a\",\"qqqqqqqq\":1}"), 422, "validation")
                .get("error")
                .stringValue())
        .isEqualTo("unknown field `qqqqqqqq`");
  }

  @Test
  void settingMakesUnknownFieldsIgnored() throws IOException {
    try (EdgeServer lenient = EdgeServer.serving("slabstream.api.unknown-parameters=ignore")) {
      RawHttp.Reply reply =
          RawHttp.post(
              lenient.port(),
              "/generate",
              "{\"inputs\":\"a\",\"model\":\"x\",\"parameters\":{\"mirostat\":2,\"top_k\":3}}");
      assertThat(reply.status()).isEqualTo(200);
      assertThat(lenient.generation().requests.getFirst().parameters().topK()).isEqualTo(3);
      assertThat(
              RawHttp.post(
                      lenient.port(),
                      "/generate",
                      "{\"inputs\":\"a\",\"parameters\":{\"grammar\":{}}}")
                  .status())
          .as("what is known and cannot be had is not unknown")
          .isEqualTo(422);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "watermark | true",
        "best_of | 2",
        "grammar | {\"type\":\"regex\",\"value\":\"a\"}",
        "adapter_id | \"x\""
      })
  void whatTgiHasAndWeHaveNotIsRefused(String name, String value) throws IOException {
    JsonNode refusal =
        refused(
            generate("{\"inputs\":\"a\",\"parameters\":{\"" + name + "\":" + value + "}}"),
            422,
            "validation");
    assertThat(refusal.get("field").stringValue()).isEqualTo(name);
    assertThat(refusal.get("error").stringValue()).contains("not supported");
  }

  @Test
  void everyParameterAsNullIsTheSameAsAbsent() throws IOException {
    StringBuilder nulls =
        new StringBuilder("\"watermark\":false,\"best_of\":1,\"grammar\":null,\"adapter_id\":null");
    for (String name : Parameter.fieldNames()) {
      nulls.append(",\"").append(name).append("\":null");
    }
    assertThat(
            generate("{\"inputs\":\"a\",\"stream\":null,\"parameters\":{" + nulls + "}}").status())
        .isEqualTo(200);
    assertThat(generate("{\"inputs\":\"a\",\"parameters\":null}").status()).isEqualTo(200);
    assertThat(server.generation().requests)
        .allSatisfy(
            request ->
                assertThat(request.parameters())
                    .isEqualTo(dev.slabstream.generation.GenerateParameters.NONE));
  }

  @Test
  void decoderInputDetailsOfAStreamAreRefused() throws IOException {
    refused(
        generate(
            "{\"inputs\":\"a\",\"stream\":true,\"parameters\":{\"decoder_input_details\":true}}"),
        422,
        "validation");
  }

  @Test
  void loneSurrogatesAndNulAreText() throws IOException {
    assertThat(generate("{\"inputs\":\"a\\ud83d\\u0000b\"}").status()).isEqualTo(200);
    assertThat(server.generation().requests.getFirst().inputs()).isEqualTo("a\ud83d\0b");
    assertThat(generate("{\"inputs\":\"a\",\"parameters\":{\"stop\":[\"\\udc00\"]}}").status())
        .isEqualTo(200);
    server.generation().requests.clear();
    refused(generate("{\"inputs\":\"a\",\"parameters\":{\"\\ud83d\":1}}"), 400, "malformed");
  }

  @Test
  void bodyOverTheLimitIsTooLargeHoweverItComes() throws IOException {
    String body = "{\"inputs\":\"" + "a".repeat(65_536) + "\"}";
    JsonNode declared = refused(generate(body), 413, "too_large");
    assertThat(declared.get("limit").intValue()).isEqualTo(65_536);
    assertThat(declared.get("actual").intValue()).isEqualTo(body.length());

    try (RawHttp http = new RawHttp(server.port())) {
      http.sendChunked("/generate", body.getBytes(StandardCharsets.UTF_8), 1000);
      refused(http.readReply(), 413, "too_large");
    }
    assertThat(generate("{\"inputs\":\"" + "a".repeat(65_000) + "\"}").status()).isEqualTo(200);
  }

  @Test
  void otherContentTypesAreUnsupported() throws IOException {
    for (String type :
        List.of("text/plain", "application/xml", "application/x-www-form-urlencoded", "garbage")) {
      RawHttp.Reply reply =
          RawHttp.exchange(
              server.port(), "POST", "/generate", "{\"inputs\":\"a\"}", "Content-Type: " + type);
      refused(reply, 415, "unsupported_media_type");
    }
    refused(
        RawHttp.exchange(server.port(), "POST", "/generate", "{\"inputs\":\"a\"}"),
        415,
        "unsupported_media_type");
    refused(
        RawHttp.exchange(server.port(), "POST", "/sessions", "{}", "Content-Type: text/plain"),
        415,
        "unsupported_media_type");
  }

  @Test
  void unknownPathsAndMethodsAndMediaTypes() throws IOException {
    assertThat(
            refused(RawHttp.exchange(server.port(), "GET", "/nowhere", ""), 404, "not_found")
                .get("error")
                .stringValue())
        .contains("/nowhere");
    RawHttp.Reply get = RawHttp.exchange(server.port(), "GET", "/generate", "");
    assertThat(refused(get, 405, "method_not_allowed").get("limit").stringValue())
        .isEqualTo("POST");
    assertThat(get.header("allow")).hasValue("POST");
    refused(
        RawHttp.post(server.port(), "/generate", "{\"inputs\":\"a\"}", "Accept: text/html"),
        406,
        "not_acceptable");
    refused(
        RawHttp.post(server.port(), "/generate", "{\"inputs\":\"a\"}", "Accept: ///"),
        406,
        "not_acceptable");
    refused(
        RawHttp.exchange(server.port(), "GET", "/sessions/nobody", ""), 404, "session_not_found");
    refused(
        RawHttp.exchange(server.port(), "DELETE", "/sessions/nobody", ""),
        404,
        "session_not_found");
    refused(RawHttp.exchange(server.port(), "GET", "/actuator/env", ""), 404, "not_found");
  }

  @Test
  void defectsSayNothingOfTheInside() throws IOException {
    server.generation().play(Flux.error(new IllegalStateException("secret of the inside")));
    for (String stream : List.of("true", "false")) {
      RawHttp.Reply reply = generate("{\"inputs\":\"a\",\"stream\":" + stream + "}");
      assertThat(reply.status()).isEqualTo(500);
      assertThat(reply.body())
          .contains("\"error_type\":\"internal\"")
          .doesNotContain("secret", "Exception", "at dev.slabstream");
    }
  }

  @Test
  void whileLoadingAndWhileDrainingEverythingSaysWhy() throws IOException {
    try (EdgeServer starting = EdgeServer.loading()) {
      RawHttp.Reply early = RawHttp.post(starting.port(), "/generate", "{\"inputs\":\"a\"}");
      refused(early, 503, "loading");
      assertThat(early.header("retry-after")).isPresent();
      refused(RawHttp.exchange(starting.port(), "GET", "/info", ""), 503, "loading");
      refused(RawHttp.exchange(starting.port(), "GET", "/health", ""), 503, "loading");
      refused(RawHttp.exchange(starting.port(), "POST", "/sessions", ""), 503, "loading");
      assertThat(status(starting, "/actuator/health/liveness")).isEqualTo(200);
      assertThat(status(starting, "/actuator/health/readiness")).isEqualTo(503);

      starting.open();
      assertThat(status(starting, "/actuator/health/readiness")).isEqualTo(200);
      assertThat(status(starting, "/health")).isEqualTo(200);
      assertThat(RawHttp.exchange(starting.port(), "GET", "/info", "").body())
          .startsWith("{\"model_id\":\"fake\",\"model_sha\":null,");

      starting.drain();
      refused(
          RawHttp.post(starting.port(), "/generate", "{\"inputs\":\"a\",\"stream\":true}"),
          503,
          "draining");
      assertThat(status(starting, "/actuator/health/readiness")).isEqualTo(503);
      assertThat(status(starting, "/actuator/health/liveness")).isEqualTo(200);
    }
  }

  private static int status(EdgeServer server, String path) throws IOException {
    return RawHttp.exchange(server.port(), "GET", path, "").status();
  }
}
