package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What HTTP clients see of the prefix cache, and what is left in the slab.
final class PrefixCacheIT {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String PROMPT = "Tell me about it. ".repeat(12);

  private static RawHttp.Reply generate(RunningService service, String body, String... headers)
      throws IOException {
    RawHttp.Reply reply = RawHttp.post(service.port(), "/generate", body, headers);
    assertThat(reply.status()).as(reply.body()).isEqualTo(200);
    return reply;
  }

  private static String body(String inputs, boolean stream) {
    return "{\"inputs\":\"%s\",\"stream\":%s,\"parameters\":{\"max_new_tokens\":6,\"details\":true}}"
        .formatted(inputs, stream);
  }

  private static String openSession(RunningService service) throws IOException {
    RawHttp.Reply created = RawHttp.exchange(service.port(), "POST", "/sessions", "");
    return JSON.readTree(created.body()).path("id").stringValue();
  }

  private static boolean await(BooleanSupplier condition) throws InterruptedException {
    return RunningService.await(condition);
  }

  @Test
  void repliesSessionsAndMetersTellOfHitsAndADeletedSessionLeavesNothing() throws Exception {
    try (RunningService service = RunningService.ready("slabstream.model.warm-up=false")) {
      String id = openSession(service);
      String session = "X-Session-Id: " + id;
      JsonNode first = JSON.readTree(generate(service, body(PROMPT, false), session).body());
      assertThat(first.at("/details/cached_tokens").intValue()).isZero();

      RawHttp.Reply streamed = generate(service, body(PROMPT, true), session);
      String lastEvent =
          streamed.body().lines().filter(line -> line.startsWith("data: ")).toList().getLast();
      JsonNode end = JSON.readTree(lastEvent.substring("data: ".length()));
      int cached = end.at("/details/cached_tokens").intValue();
      assertThat(cached).isPositive();
      assertThat(cached).isLessThan(end.at("/details/input_length").intValue());
      assertThat(end.path("generated_text")).isEqualTo(first.path("generated_text"));

      JsonNode again = JSON.readTree(generate(service, body(PROMPT, false), session).body());
      assertThat(again.at("/details/cached_tokens").intValue()).isEqualTo(cached);
      assertThat(again.at("/details/tokens")).isEqualTo(first.at("/details/tokens"));

      RawHttp.Reply shown = RawHttp.exchange(service.port(), "GET", "/sessions/" + id, "");
      assertThat(JSON.readTree(shown.body()).path("cached_tokens").intValue())
          .isEqualTo(2 * cached);
      assertThat(service.slab().cachedBlocks()).isPositive();
      String scrape = RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "").body();
      assertThat(scrape)
          .contains("slabstream_prompt_tokens_cached_total " + 2.0 * cached)
          .contains(
              "slabstream_kv_blocks{state=\"cached\"} " + (double) service.slab().cachedBlocks());

      RawHttp.exchange(service.port(), "DELETE", "/sessions/" + id, "");
      assertThat(await(() -> service.slab().freeBlocks() == service.slab().numBlocks())).isTrue();
    }
  }

  @Test
  void offLeavesNothingButZerosInTheSlab() throws Exception {
    try (RunningService service = RunningService.ready("slabstream.prefix-cache.scope=off")) {
      String session = "X-Session-Id: " + openSession(service);
      JsonNode first = JSON.readTree(generate(service, body(PROMPT, false), session).body());
      JsonNode second = JSON.readTree(generate(service, body(PROMPT, false), session).body());
      assertThat(second).isEqualTo(first);
      assertThat(await(() -> service.slab().openLeases() == 0)).isTrue();
      assertThat(service.slab().highWaterBlocks()).isGreaterThan(3);
      assertThat(numWritten(service)).isZero();
    }
  }

  /// The default leaves the numbers in a free block, where nothing reads them: what the test above could find.
  @Test
  void otherwiseFreeBlocksKeepTheirNumbers() throws Exception {
    try (RunningService service = RunningService.ready("slabstream.model.warm-up=false")) {
      generate(service, body(PROMPT, false));
      assertThat(await(() -> service.slab().openLeases() == 0)).isTrue();
      assertThat(service.slab().cachedBlocks()).isZero();
      assertThat(numWritten(service)).isPositive();
    }
  }

  private static long numWritten(RunningService service) {
    MemorySegment slab = service.loaded().slab().segment();
    long written = 0;
    for (long i = 0; i < slab.byteSize(); i++) {
      written += slab.get(ValueLayout.JAVA_BYTE, i) == 0 ? 0 : 1;
    }
    return written;
  }
}
