package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationEvent.PrefillToken;
import dev.slabstream.generation.GenerationEvent.TokenInfo;
import dev.slabstream.generation.GenerationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/// The bytes of `/generate`, read from sockets.
final class GenerateIT {
  private static EdgeServer server;

  @BeforeAll
  static void start() {
    server = EdgeServer.serving();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void playHello() {
    server.generation().play(FakeGeneration.hello(null));
  }

  private static RawHttp.Reply generate(String body, String... headers) throws IOException {
    return RawHttp.post(server.port(), "/generate", body, headers);
  }

  @Test
  void streamIsTgisByteForByte() throws IOException {
    RawHttp.Reply reply = generate("{\"inputs\":\"hi\",\"stream\":true}");

    assertThat(reply.body())
        .isEqualTo(
            """
            data: {"index":1,"token":{"id":198,"text":"\\n","logprob":-0.69,"special":false},"generated_text":null,"details":null}

            data: {"index":2,"token":{"id":15339,"text":"héllo \\"🙂\\"","logprob":-1.5,"special":false},"generated_text":"\\nhéllo \\"🙂\\"","details":null}

            """);
    assertThat(reply.head()).startsWith("HTTP/1.1 200 OK");
    assertThat(reply.header("content-type")).hasValue("text/event-stream");
    assertThat(reply.header("cache-control")).hasValue("no-cache");
    assertThat(reply.header("x-accel-buffering")).hasValue("no");
  }

  /// Reactor tells nobody: its client must not wait for a time limit.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void memoryThatRunsOutOnTheWayToAGenerationClosesTheConnection(boolean stream)
      throws IOException {
    server
        .generation()
        .play(
            Flux.from(
                _ -> {
                  throw new OutOfMemoryError("injected");
                }));
    try (RawHttp http = new RawHttp(server.port())) {
      http.send(
          "POST",
          "/generate",
          ("{\"inputs\":\"hi\",\"stream\":" + stream + "}").getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json");
      assertThat(http.readToTheEnd()).isEmpty();
    }
    server.generation().play(FakeGeneration.hello(null));
    assertThat(generate("{\"inputs\":\"hi\"}").status()).isEqualTo(200);
  }

  @Test
  void lastEventTellsDetailsWhenAskedFor() throws IOException {
    server.generation().play(FakeGeneration.hello(9007199254740993L));
    RawHttp.Reply reply =
        generate("{\"inputs\":\"hi\",\"parameters\":{\"details\":true},\"stream\":true}");

    assertThat(reply.body())
        .endsWith(
            "\"generated_text\":\"\\nhéllo \\\"🙂\\\"\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2,"
                + "\"seed\":9007199254740993,\"input_length\":5,\"cached_tokens\":3}}\n\n");
  }

  @Test
  void topTokensStandBetweenTokenAndText() throws IOException {
    server
        .generation()
        .play(
            Flux.just(
                new GenerationEvent.Started(1, null),
                new GenerationEvent.Token(
                    1,
                    new TokenInfo(7, "a", -0.5f, false),
                    List.of(
                        new TokenInfo(7, "a", -0.5f, false),
                        new TokenInfo(2, "<e>", Float.NEGATIVE_INFINITY, true)),
                    true),
                new GenerationEvent.Finished(
                    "a", FinishReason.EOS_TOKEN, 1, 1, 0, null, List.of())));
    String expected =
        "\"top_tokens\":[{\"id\":7,\"text\":\"a\",\"logprob\":-0.5,\"special\":false},"
            + "{\"id\":2,\"text\":\"<e>\",\"logprob\":null,\"special\":true}]";

    assertThat(generate("{\"inputs\":\"hi\",\"stream\":true}").body())
        .isEqualTo(
            "data: {\"index\":1,\"token\":{\"id\":7,\"text\":\"a\",\"logprob\":-0.5,\"special\":false},"
                + expected
                + ",\"generated_text\":\"a\",\"details\":null}\n\n");
    assertThat(generate("{\"inputs\":\"hi\",\"parameters\":{\"details\":true}}").body())
        .isEqualTo(
            "{\"generated_text\":\"a\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":1,\"seed\":null,"
                + "\"prefill\":[],\"tokens\":[{\"id\":7,\"text\":\"a\",\"logprob\":-0.5,\"special\":false}],"
                + "\"top_tokens\":[["
                + expected.substring(expected.indexOf('[') + 1)
                + "],\"cached_tokens\":0}}");
  }

  @Test
  void replyWithoutStreamIsOneObject() throws IOException {
    RawHttp.Reply reply = generate("{\"inputs\":\"hé\"}");

    assertThat(reply.body()).isEqualTo("{\"generated_text\":\"\\nhéllo \\\"🙂\\\"\"}");
    assertThat(reply.header("content-type")).hasValue("application/json");
    assertThat(reply.header("x-compute-type")).hasValue("cpu");
    assertThat(reply.header("x-compute-characters")).hasValue("2");
    assertThat(reply.header("x-prompt-tokens")).hasValue("5");
    assertThat(reply.header("x-generated-tokens")).hasValue("2");
  }

  @Test
  void prefillTokensComeWithDecoderInputDetails() throws IOException {
    server
        .generation()
        .play(
            Flux.just(
                new GenerationEvent.Started(2, null),
                FakeGeneration.token(1, 3, "x", Float.NaN, true),
                new GenerationEvent.Finished(
                    "x",
                    FinishReason.STOP_SEQUENCE,
                    1,
                    2,
                    0,
                    null,
                    List.of(new PrefillToken(1, "a", null), new PrefillToken(2, "b", -2f)))));

    assertThat(
            generate("{\"inputs\":\"hi\",\"parameters\":{\"decoder_input_details\":true}}").body())
        .isEqualTo(
            "{\"generated_text\":\"x\",\"details\":{\"finish_reason\":\"stop_sequence\",\"generated_tokens\":1,\"seed\":null,"
                + "\"prefill\":[{\"id\":1,\"text\":\"a\",\"logprob\":null},{\"id\":2,\"text\":\"b\",\"logprob\":-2.0}],"
                + "\"tokens\":[{\"id\":3,\"text\":\"x\",\"logprob\":null,\"special\":false}],\"cached_tokens\":0}}");
  }

  @Test
  void streamFieldDecidesAndAcceptOnlyWithoutIt() throws IOException {
    String sse = "Accept: text/event-stream";
    assertThat(generate("{\"inputs\":\"hi\"}", sse).body()).startsWith("data: ");
    assertThat(generate("{\"inputs\":\"hi\",\"stream\":null}", sse).body()).startsWith("data: ");
    assertThat(generate("{\"inputs\":\"hi\",\"stream\":false}", sse).body()).startsWith("{");
    assertThat(generate("{\"inputs\":\"hi\",\"stream\":true}", "Accept: application/json").body())
        .startsWith("data: ");
    assertThat(generate("{\"inputs\":\"hi\",\"stream\":null}").body()).startsWith("{");
  }

  @Test
  void generateStreamAlwaysStreams() throws IOException {
    for (String stream : List.of("", ",\"stream\":false", ",\"stream\":null")) {
      assertThat(
              RawHttp.post(server.port(), "/generate_stream", "{\"inputs\":\"hi\"" + stream + "}")
                  .body())
          .startsWith("data: ");
    }
    assertThat(
            RawHttp.post(
                    server.port(),
                    "/generate_stream",
                    "{\"inputs\":\"hi\"}",
                    "Accept: application/json")
                .body())
        .startsWith("data: ");
  }

  @Test
  void commentsKeepASilentStreamOpenFromAdmissionOn() throws IOException {
    Sinks.Empty<GenerationEvent> goOn = Sinks.empty();
    try (EdgeServer lively = EdgeServer.serving("slabstream.api.keep-alive=150ms");
        RawHttp http = new RawHttp(lively.port())) {
      lively
          .generation()
          .play(
              Flux.concat(
                  Mono.just(new GenerationEvent.Started(5, null)),
                  goOn.asMono(),
                  FakeGeneration.hello(null).skip(1)));
      http.send(
          "POST",
          "/generate",
          "{\"inputs\":\"hi\",\"stream\":true}".getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json",
          "Connection: close");
      String comment = ":\n\n";
      http.readUntil(text -> text.split(comment, -1).length > 2);
      goOn.tryEmitEmpty();

      String body = http.readReply().body();
      assertThat(body).startsWith(comment + comment);
      assertThat(body.replace(comment, "")).startsWith("data: {\"index\":1,").endsWith("}\n\n");
    }
  }

  @Test
  void headersArriveWithTheAdmissionNotWithTheFirstToken() throws IOException {
    server
        .generation()
        .play(Flux.concat(Mono.just(new GenerationEvent.Started(5, null)), Mono.never()));
    try (RawHttp http = new RawHttp(server.port())) {
      http.send(
          "POST",
          "/generate",
          "{\"inputs\":\"hi\",\"stream\":true}".getBytes(),
          "Content-Type: application/json");
      assertThat(http.readUntil(text -> text.contains("\r\n\r\n"))).startsWith("HTTP/1.1 200 OK");
    }
  }

  @Test
  void nothingIsWrittenBeforeTheAdmission() throws IOException {
    server
        .generation()
        .play(
            Mono.delay(Duration.ofMillis(400))
                .thenMany(
                    Flux.error(
                        new GenerationException(
                            ErrorType.OVERLOADED, "the queue is full", null, 3, 4, 7))));
    RawHttp.Reply reply = generate("{\"inputs\":\"hi\",\"stream\":true}");

    assertThat(reply.status()).isEqualTo(429);
    assertThat(reply.header("retry-after")).hasValue("7");
    assertThat(reply.header("content-type")).hasValue("application/json");
    assertThat(reply.body())
        .isEqualTo(
            "{\"error\":\"the queue is full\",\"error_type\":\"overloaded\",\"limit\":3,\"actual\":4}");
  }

  @Test
  void failureAfterTheAdmissionIsAnEvent() throws IOException {
    server
        .generation()
        .play(
            FakeGeneration.hello(null)
                .take(2)
                .concatWith(
                    Flux.error(
                        new GenerationException(
                            ErrorType.NON_FINITE_LOGITS, "the logits are not finite"))));
    RawHttp.Reply streamed = generate("{\"inputs\":\"hi\",\"stream\":true}");

    assertThat(streamed.status()).isEqualTo(200);
    assertThat(streamed.body())
        .startsWith("data: {\"index\":1,")
        .endsWith(
            "\n\ndata: {\"error\":\"the logits are not finite\",\"error_type\":\"non_finite_logits\"}\n\n");

    RawHttp.Reply whole = generate("{\"inputs\":\"hi\"}");
    assertThat(whole.status()).isEqualTo(500);
    assertThat(whole.body())
        .isEqualTo(
            "{\"error\":\"the logits are not finite\",\"error_type\":\"non_finite_logits\"}");
  }

  @Test
  void streamThatJustEndsIsAnError() throws IOException {
    server.generation().play(FakeGeneration.hello(null).take(2));

    assertThat(generate("{\"inputs\":\"hi\",\"stream\":true}").body())
        .endsWith(
            "data: {\"error\":\"the generation ended before it was finished\",\"error_type\":\"generation\"}\n\n");
    assertThat(generate("{\"inputs\":\"hi\"}").status()).isEqualTo(500);
    server.generation().play(Flux.empty());
    assertThat(generate("{\"inputs\":\"hi\",\"stream\":true}").status()).isEqualTo(500);
  }

  @Test
  void sessionIsTheHeadersOrElseTheCookies() throws IOException {
    RawHttp.Reply created = RawHttp.exchange(server.port(), "POST", "/sessions", "");
    String id = created.header("location").orElseThrow().substring("/sessions/".length());
    String other =
        RawHttp.exchange(server.port(), "POST", "/sessions", "")
            .header("location")
            .orElseThrow()
            .substring("/sessions/".length());

    generate("{\"inputs\":\"hi\"}", "Cookie: slabstream-session=" + id);
    assertThat(server.generation().lastSession).isEqualTo(id);
    generate("{\"inputs\":\"hi\"}", "Cookie: slabstream-session=" + id, "X-Session-Id: " + other);
    assertThat(server.generation().lastSession).isEqualTo(other);
    generate("{\"inputs\":\"hi\"}");
    assertThat(server.generation().lastSession).isNull();
    RawHttp.Reply stale = generate("{\"inputs\":\"hi\"}", "Cookie: slabstream-session=gone");
    assertThat(stale.status()).isEqualTo(404);
    assertThat(stale.body()).contains("\"error_type\":\"session_not_found\"");
  }

  @Test
  void cookieIsSecureWhenTheClientCameByHttps() throws IOException {
    try (EdgeServer behindProxy = EdgeServer.serving("server.forward-headers-strategy=framework")) {
      assertThat(
              RawHttp.exchange(
                      behindProxy.port(), "POST", "/sessions", "", "X-Forwarded-Proto: https")
                  .header("set-cookie")
                  .orElseThrow())
          .contains("; Secure");
    }
  }

  @Test
  void detailsMayBeADefaultOfTheSession() throws IOException {
    RawHttp.Reply created =
        RawHttp.post(server.port(), "/sessions", "{\"parameters\":{\"details\":true}}");
    assertThat(created.status()).isEqualTo(201);
    assertThat(created.body()).contains("\"parameters\":{\"details\":true}");
    String header =
        "X-Session-Id: "
            + created.header("location").orElseThrow().substring("/sessions/".length());

    assertThat(generate("{\"inputs\":\"hi\",\"stream\":true}", header).body())
        .contains("\"details\":{\"finish_reason\":\"length\"");
    assertThat(generate("{\"inputs\":\"hi\",\"parameters\":{\"details\":false}}", header).body())
        .doesNotContain("details");
  }
}
