package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.Phase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Clients that go away, on real sockets, with the embedded model: its steps are slow enough to be
/// met in each phase. One sequence runs at a time, so that a second one waits.
final class ClientGoneIT {
  private static final String LONG_PROMPT =
      "The quick brown fox jumps over the lazy dog. ".repeat(700);

  private static RunningService service;

  @BeforeAll
  static void start() throws InterruptedException {
    service =
        RunningService.ready(
            "slabstream.model.path="
                + Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf").toAbsolutePath(),
            "slabstream.model.warm-up=false",
            "slabstream.kv-cache.size=400MB",
            "slabstream.engine.max-running=1",
            "slabstream.engine.max-queue=1",
            "slabstream.engine.max-batch-tokens=64");
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @AfterEach
  void everyLeaseIsBack() throws InterruptedException {
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    assertThat(service.slab().leasedBlocks()).isZero();
    assertThat(service.slab().reservedBlocks()).isZero();
    // What a deleted session has cached goes with the step after its end.
    awaitThat(
        "every block is free", () -> service.slab().freeBlocks() == service.slab().numBlocks());
  }

  private static EngineStats stats() {
    return service.loaded().engine().stats();
  }

  private static long cancelled(Phase phase) {
    return stats().cancelled().getOrDefault(phase, 0L);
  }

  private static RawHttp send(String inputs, String parameters, boolean stream, String... headers)
      throws IOException {
    RawHttp http = new RawHttp(service.port());
    String[] all = java.util.Arrays.copyOf(headers, headers.length + 1);
    all[headers.length] = "Content-Type: application/json";
    http.send(
        "POST",
        "/generate",
        ("{\"inputs\":\""
                + inputs
                + "\",\"stream\":"
                + stream
                + ",\"parameters\":{\"ignore_eos\":true,"
                + parameters
                + "}}")
            .getBytes(StandardCharsets.UTF_8),
        all);
    return http;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientGoneInDecode(boolean stream) throws IOException, InterruptedException {
    long before = cancelled(Phase.DECODE);
    long tokensBefore = stats().generatedTokens();
    try (RawHttp http = send("Once upon a time", "\"max_new_tokens\":5000", stream)) {
      if (stream) {
        http.readUntil(text -> text.contains("\"index\":2,"));
      } else {
        awaitThat("it decodes", () -> stats().generatedTokens() > tokensBefore + 1);
      }
      assertThat(service.slab().openLeases()).isEqualTo(1);
    }
    awaitThat("it is cancelled", () -> cancelled(Phase.DECODE) == before + 1);
    assertThat(stats().generatedTokens() - tokensBefore).isLessThan(2500);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientGoneInPrefill(boolean stream) throws IOException, InterruptedException {
    long before = cancelled(Phase.PREFILL);
    long tokensBefore = stats().generatedTokens();
    try (RawHttp http = send(LONG_PROMPT, "\"max_new_tokens\":10", stream)) {
      awaitThat("it computes its prompt", () -> service.slab().leasedBlocks() > 0);
    }
    awaitThat("it is cancelled", () -> cancelled(Phase.PREFILL) == before + 1);
    assertThat(stats().generatedTokens()).isEqualTo(tokensBefore);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientGoneInTheQueue(boolean stream) throws IOException, InterruptedException {
    long before = cancelled(Phase.QUEUED);
    try (RawHttp first = send("Once upon a time", "\"max_new_tokens\":5000", true)) {
      first.readUntil(text -> text.contains("\"index\":1,"));
      try (RawHttp second = send("Once upon a time", "\"max_new_tokens\":10", stream)) {
        awaitThat("the second waits", () -> stats().waiting() == 1);
      }
      awaitThat("the second is cancelled", () -> cancelled(Phase.QUEUED) == before + 1);
      assertThat(stats().waiting()).isZero();
      assertThat(stats().running()).as("the first runs on").isEqualTo(1);
    }
  }

  @Test
  void fullQueueIsRefusedAtOnce() throws IOException, InterruptedException {
    try (RawHttp first = send("Once upon a time", "\"max_new_tokens\":5000", true)) {
      first.readUntil(text -> text.contains("\"index\":1,"));
      try (RawHttp second = send("Once upon a time", "\"max_new_tokens\":10", true)) {
        awaitThat("the second waits", () -> stats().waiting() == 1);
        for (boolean stream : new boolean[] {true, false}) {
          RawHttp.Reply third =
              RawHttp.post(
                  service.port(), "/generate", "{\"inputs\":\"a\",\"stream\":" + stream + "}");
          assertThat(third.status()).isEqualTo(429);
          assertThat(third.header("retry-after")).isPresent();
          assertThat(third.body()).contains("\"error_type\":\"overloaded\"");
        }
      }
    }
  }

  @Test
  void sessionTakesOneRequestAtATimeAndDeletingItCancels()
      throws IOException, InterruptedException {
    RawHttp.Reply created = RawHttp.exchange(service.port(), "POST", "/sessions", "");
    String path = created.header("location").orElseThrow();
    String header = "X-Session-Id: " + path.substring("/sessions/".length());
    try (RawHttp running =
        send("Once upon a time", "\"max_new_tokens\":5000", true, header, "Connection: close")) {
      running.readUntil(text -> text.contains("\"index\":1,"));
      assertThat(RawHttp.exchange(service.port(), "GET", path, "").body())
          .contains("\"busy\":true");

      RawHttp.Reply second =
          RawHttp.post(service.port(), "/generate", "{\"inputs\":\"a\"}", header);
      assertThat(second.status()).isEqualTo(409);
      assertThat(second.body()).contains("\"error_type\":\"session_busy\"");

      assertThat(RawHttp.exchange(service.port(), "DELETE", path, "").status()).isEqualTo(204);
      String body = running.readReply().body();
      assertThat(body)
          .containsPattern(
              "data: \\{\"error\":\"[^\"]+\",\"error_type\":\"session_deleted\"}\n\n$");
    }
  }
}
