package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import dev.slabstream.observability.Meter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The whole service over a tiny model: requests, sessions, limits, meters.
final class ServiceIT {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static RunningService service;

  @BeforeAll
  static void start() throws InterruptedException {
    service =
        RunningService.ready(
            "slabstream.session.max=3",
            "slabstream.engine.max-running=2",
            "slabstream.engine.max-queue=8");
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  private static RawHttp.Reply generate(String body, String... headers) throws IOException {
    return RawHttp.post(service.port(), "/generate", body, headers);
  }

  private static JsonNode json(RawHttp.Reply reply, int status) {
    assertThat(reply.status()).as(reply.body()).isEqualTo(status);
    return JSON.readTree(reply.body());
  }

  @Test
  void streamAndWholeReplyTellTheSame() throws IOException {
    String parameters = "\"parameters\":{\"max_new_tokens\":12,\"details\":true}";
    RawHttp.Reply streamed = generate("{\"inputs\":\"abc\",\"stream\":true," + parameters + "}");
    JsonNode whole = json(generate("{\"inputs\":\"abc\"," + parameters + "}"), 200);

    List<JsonNode> events =
        streamed
            .body()
            .lines()
            .filter(line -> line.startsWith("data: "))
            .map(line -> JSON.readTree(line.substring("data: ".length())))
            .toList();
    JsonNode last = events.getLast();
    assertThat(last.path("generated_text")).isEqualTo(whole.path("generated_text"));
    assertThat(last.at("/details/finish_reason")).isEqualTo(whole.at("/details/finish_reason"));
    assertThat(events.stream().map(e -> e.path("token")))
        .containsExactlyElementsOf(whole.at("/details/tokens").valueStream().toList());
    assertThat(events.stream().map(e -> e.path("index").intValue()))
        .containsExactlyElementsOf(
            java.util.stream.IntStream.rangeClosed(1, events.size()).boxed().toList());
    assertThat(events.subList(0, events.size() - 1))
        .allSatisfy(
            e -> {
              assertThat(e.path("generated_text").isNull()).isTrue();
              assertThat(e.path("details").isNull()).isTrue();
            });
  }

  @Test
  void sameSeedSameBytesAndTheReplySaysWhichSeedItWas() throws IOException {
    String body =
        "{\"inputs\":\"abc\",\"stream\":true,\"parameters\":{\"max_new_tokens\":12,"
            + "\"temperature\":1.5,\"details\":true%s}}";
    String first = generate(body.formatted("")).body();
    Matcher seed = Pattern.compile("\"seed\":(\\d+)").matcher(first);
    assertThat(seed.find()).isTrue();

    assertThat(generate(body.formatted(",\"seed\":" + seed.group(1))).body()).isEqualTo(first);
  }

  @Test
  void requestsInACrowdGetTheBytesThatTheyGetAlone() throws Exception {
    List<String> bodies =
        List.of(
            "{\"inputs\":\"abc\",\"stream\":true,\"parameters\":{\"max_new_tokens\":60,\"ignore_eos\":true}}",
            "{\"inputs\":\"The quick brown fox\",\"stream\":true,\"parameters\":{\"max_new_tokens\":50,"
                + "\"ignore_eos\":true,\"temperature\":1.2,\"seed\":5}}",
            "{\"inputs\":\"zzz\",\"parameters\":{\"max_new_tokens\":40,\"ignore_eos\":true,\"details\":true}}");
    List<String> alone = new ArrayList<>();
    for (String body : bodies) {
      alone.add(generate(body).body());
    }
    for (int round = 0; round < 5; round++) {
      try (ExecutorService clients = Executors.newFixedThreadPool(bodies.size())) {
        List<Callable<String>> calls =
            bodies.stream().<Callable<String>>map(body -> () -> generate(body).body()).toList();
        List<String> together = new ArrayList<>();
        for (Future<String> reply : clients.invokeAll(calls)) {
          together.add(reply.get());
        }
        assertThat(together).isEqualTo(alone);
      }
    }
  }

  @Test
  void promptThatDoesNotFitIsRefusedWithBothNumbers() throws IOException {
    String longPrompt = "abc ".repeat(600);
    JsonNode tooLong = json(generate("{\"inputs\":\"" + longPrompt + "\"}"), 422);
    assertThat(tooLong.path("error_type").stringValue()).isEqualTo("validation");
    assertThat(tooLong.path("field").stringValue()).isEqualTo("inputs");
    assertThat(tooLong.path("limit").isNumber()).isTrue();
    assertThat(tooLong.path("actual").intValue()).isGreaterThan(511);

    JsonNode tooMany =
        json(generate("{\"inputs\":\"abc\",\"parameters\":{\"max_new_tokens\":9999}}"), 422);
    assertThat(tooMany.path("limit").isMissingNode()).isFalse();
    assertThat(tooMany.path("error").stringValue()).contains("9999");

    JsonNode truncated =
        json(
            generate(
                "{\"inputs\":\""
                    + longPrompt
                    + "\",\"parameters\":{\"truncate\":8,\"max_new_tokens\":3,\"decoder_input_details\":true}}"),
            200);
    assertThat(truncated.at("/details/prefill").size()).isEqualTo(8);
    assertThat(truncated.at("/details/prefill/0/logprob").isNull()).isTrue();
    assertThat(truncated.at("/details/prefill/1/logprob").isNumber()).isTrue();
  }

  @Test
  void valuesOutOfRangeNameFieldLimitAndValue() throws IOException {
    for (String parameter :
        List.of(
            "\"temperature\":-1",
            "\"top_p\":0",
            "\"top_p\":1.5",
            "\"top_k\":-1",
            "\"seed\":-1",
            "\"max_new_tokens\":0",
            "\"top_n_tokens\":99",
            "\"truncate\":0",
            "\"repetition_penalty\":0",
            "\"frequency_penalty\":3",
            "\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
            "\"stop\":[\"\"]",
            "\"stop_token_ids\":[-1]",
            "\"logit_bias\":{\"x\":1}",
            "\"logit_bias\":{\"1\":1000}")) {
      JsonNode refusal =
          json(generate("{\"inputs\":\"abc\",\"parameters\":{" + parameter + "}}"), 422);
      assertThat(refusal.path("error_type").stringValue()).isEqualTo("validation");
      assertThat(refusal.path("field").stringValue())
          .isEqualTo(parameter.substring(1, parameter.indexOf('"', 1)));
      assertThat(refusal.has("limit")).as(parameter).isTrue();
      assertThat(refusal.has("actual")).as(parameter).isTrue();
    }
  }

  @Test
  void infoTellsWhatRuns() throws IOException {
    JsonNode info = json(RawHttp.exchange(service.port(), "GET", "/info", ""), 200);
    assertThat(info.path("max_total_tokens").intValue()).isEqualTo(512);
    assertThat(info.path("max_input_tokens").intValue()).isEqualTo(511);
    assertThat(info.path("default_max_new_tokens").intValue()).isEqualTo(100);
    assertThat(info.path("quantization").stringValue()).isEqualTo("Q4_1");
    assertThat(info.path("deterministic").booleanValue()).isTrue();
    assertThat(info.path("version").stringValue()).isNotEmpty().doesNotContain("@");
  }

  @Test
  void sessionsOpenWithACookieAndHoldDefaults() throws IOException {
    RawHttp.Reply created =
        RawHttp.post(
            service.port(),
            "/sessions",
            "{\"parameters\":{\"max_new_tokens\":2,\"details\":true}}");
    JsonNode session = json(created, 201);
    String id = session.path("id").stringValue();
    assertThat(id).hasSizeGreaterThanOrEqualTo(22);
    assertThat(created.header("location")).hasValue("/sessions/" + id);
    assertThat(created.header("set-cookie").orElseThrow())
        .startsWith("slabstream-session=" + id + ";")
        .contains("Path=/", "HttpOnly", "SameSite=Strict")
        .doesNotContain("Secure");

    JsonNode reply =
        json(generate("{\"inputs\":\"abc\"}", "Cookie: slabstream-session=" + id), 200);
    assertThat(reply.at("/details/generated_tokens").intValue()).isLessThanOrEqualTo(2);
    JsonNode shown = json(RawHttp.exchange(service.port(), "GET", "/sessions/" + id, ""), 200);
    assertThat(shown.path("requests").intValue()).isEqualTo(1);
    assertThat(shown.path("busy").booleanValue()).isFalse();
    assertThat(RawHttp.exchange(service.port(), "DELETE", "/sessions/" + id, "").status())
        .isEqualTo(204);
  }

  @Test
  void sessionsThatNobodyUsesExpire() throws IOException, InterruptedException {
    try (RunningService forgetful =
        RunningService.ready(
            "slabstream.model.warm-up=false", "slabstream.session.idle-timeout=100ms")) {
      int port = forgetful.port();
      String id =
          json(RawHttp.exchange(port, "POST", "/sessions", ""), 201).path("id").stringValue();
      awaitThat(
          "it has expired",
          () -> {
            try {
              return RawHttp.exchange(port, "GET", "/sessions/" + id, "").status() == 404;
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      JsonNode gone =
          json(RawHttp.post(port, "/generate", "{\"inputs\":\"abc\"}", "X-Session-Id: " + id), 404);
      assertThat(gone.path("error_type").stringValue()).isEqualTo("session_not_found");
    }
  }

  @Test
  void sessionsOverTheMaximumAreRefusedAndDeletedOnesMakeRoom() throws IOException {
    Set<String> ids = new HashSet<>();
    RawHttp.Reply reply;
    while ((reply = RawHttp.exchange(service.port(), "POST", "/sessions", "")).status() == 201) {
      ids.add(JSON.readTree(reply.body()).path("id").stringValue());
      assertThat(ids).hasSizeLessThanOrEqualTo(3);
    }
    assertThat(json(reply, 429).path("error_type").stringValue()).isEqualTo("too_many_sessions");
    assertThat(reply.header("retry-after")).as("nobody knows when one is deleted").isEmpty();
    for (String id : ids) {
      RawHttp.Reply deleted =
          RawHttp.exchange(
              service.port(), "DELETE", "/sessions/" + id, "", "Cookie: slabstream-session=" + id);
      assertThat(deleted.status()).isEqualTo(204);
      assertThat(deleted.header("set-cookie").orElseThrow()).contains("Max-Age=0");
      assertThat(RawHttp.exchange(service.port(), "DELETE", "/sessions/" + id, "").status())
          .isEqualTo(404);
    }
  }

  @Test
  void everyMeterOfTheCatalogueIsScrapedWithBoundedTags() throws IOException {
    generate("{\"inputs\":\"abc\",\"parameters\":{\"max_new_tokens\":4}}");
    generate("{\"inputs\":\"abc\",\"stream\":true,\"parameters\":{\"max_new_tokens\":4}}");
    generate("{\"inputs\":\"\"}");
    String scrape = RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "").body();

    Pattern tag = Pattern.compile("([a-z_]+)=\"");
    for (Meter meter : Meter.values()) {
      String name = meter.exportedName();
      assertThat(scrape)
          .as(meter.meterName())
          .contains("# HELP " + name + " " + meter.description() + "\n")
          .contains("# TYPE " + name + " ");
      List<String> samples =
          scrape
              .lines()
              .filter(line -> line.matches(name + "(_bucket|_count|_sum)?[{ ].*"))
              .toList();
      assertThat(samples).as(meter.meterName()).isNotEmpty().hasSizeLessThan(60);
      for (String sample : samples) {
        Matcher tags = tag.matcher(sample);
        Set<String> names = new HashSet<>();
        while (tags.find()) {
          names.add(tags.group(1));
        }
        names.remove("le");
        assertThat(names).as(sample).containsExactlyInAnyOrderElementsOf(meter.tagNames());
      }
    }
    assertThat(scrape)
        .contains("slabstream_requests_refused_total{error_type=\"validation\"}")
        .containsPattern("slabstream_time_to_first_token_seconds_bucket\\{le=\"0\\.001\"\\} ")
        .containsPattern("slabstream_startup_time_seconds\\{phase=\"weights\"\\} ")
        .containsPattern("slabstream_kv_blocks\\{state=\"leased\"\\} 0\\.0");
    assertThat(
            value(scrape, "slabstream_requests_total{outcome=\"length\"}")
                + value(scrape, "slabstream_requests_total{outcome=\"eos_token\"}"))
        .isGreaterThanOrEqualTo(2);
    assertThat(value(scrape, "slabstream_requests_refused_total{error_type=\"validation\"}"))
        .isGreaterThanOrEqualTo(1);
    assertThat(value(scrape, "slabstream_generated_tokens_total")).isGreaterThanOrEqualTo(2);
    assertThat(value(scrape, "slabstream_step_tokens_count")).isPositive();
  }

  private static double value(String scrape, String series) {
    return scrape
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError(series.toLowerCase(Locale.ROOT) + " is not scraped"));
  }
}
