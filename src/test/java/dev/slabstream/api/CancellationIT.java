package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.slabstream.config.BufferLeaks;
import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import dev.slabstream.engine.Phase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/// Requests that are cut off after a tenth of a second, whatever protocol they came by and wherever
/// they are then, with the embedded model: its steps are slow enough for that. Two sequences run at a
/// time.
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class CancellationIT {
  private static final String SHORT_PROMPT = "Once upon a time";
  private static final String LONG_PROMPT =
      "The quick brown fox jumps over the lazy dog. ".repeat(700);

  private static RunningService service;

  @BeforeAll
  static void start() throws InterruptedException {
    BufferLeaks.watch();
    service =
        RunningService.ready(
            "slabstream.model.path="
                + Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf").toAbsolutePath(),
            "slabstream.model.warm-up=false",
            "slabstream.kv-cache.size=400MB",
            "slabstream.engine.max-running=2",
            "slabstream.engine.max-batch-tokens=64");
  }

  @AfterAll
  static void stop(CapturedOutput output) throws InterruptedException {
    service.close();
    BufferLeaks.assertNone(output);
  }

  @AfterEach
  void everyLeaseIsBackWithinAStep() throws InterruptedException {
    awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
    assertThat(service.slab().leasedBlocks()).isZero();
    assertThat(service.slab().reservedBlocks()).isZero();
    assertThat(stats().mostStepsToCancel()).isLessThanOrEqualTo(1);
  }

  private static EngineStats stats() {
    return service.loaded().engine().stats();
  }

  private static String body(String inputs, int maxNewTokens, boolean stream) {
    return ("{\"inputs\":\"%s\",\"stream\":%s,\"parameters\":"
            + "{\"ignore_eos\":true,\"max_new_tokens\":%d}}")
        .formatted(inputs, stream, maxNewTokens);
  }

  static Stream<Arguments> everyProtocolAndPhase() {
    return Stream.of(CuttableClient.Protocol.values())
        .flatMap(protocol -> Stream.of(Phase.values()).map(phase -> arguments(protocol, phase)));
  }

  @ParameterizedTest
  @MethodSource("everyProtocolAndPhase")
  void oneRequestIsCutOffAndTheOthersGoOn(CuttableClient.Protocol protocol, Phase phase)
      throws Exception {
    for (boolean stream : new boolean[] {true, false}) {
      cutOff(protocol, phase, stream);
    }
  }

  private static void cutOff(CuttableClient.Protocol protocol, Phase phase, boolean stream)
      throws Exception {
    long before = cancelled(phase);
    double counted = counted(phase);
    try (CuttableClient client = protocol.open(service.port())) {
      client.finishOne(body(SHORT_PROMPT, 1, true));
      List<CuttableClient.Call> others = new ArrayList<>();
      for (int i = 0; i < (phase == Phase.QUEUED ? 2 : 1); i++) {
        double decoding = firstTokens();
        others.add(client.post(body(SHORT_PROMPT, 5000, true)));
        awaitThat("another one runs", () -> stats().running() == others.size());
        awaitThat("it decodes", () -> firstTokens() == decoding + 1);
      }

      double firstTokens = firstTokens();
      CuttableClient.Call call =
          client.post(
              phase == Phase.PREFILL
                  ? body(LONG_PROMPT, 10, stream)
                  : body(SHORT_PROMPT, 5000, stream));
      if (phase == Phase.QUEUED) {
        awaitThat("it waits", () -> stats().waiting() == 1);
      } else {
        awaitThat("it runs", () -> stats().running() == 2);
      }
      if (phase == Phase.DECODE) {
        awaitThat("it decodes", () -> firstTokens() == firstTokens + 1);
      }
      Thread.sleep(100);
      call.cut();
      awaitThat("it is cancelled in " + phase, () -> cancelled(phase) == before + 1);
      awaitThat("it is counted", () -> counted(phase) == counted + 1);

      assertThat(stats().running()).as("the others run on").isEqualTo(others.size());
      for (CuttableClient.Call other : others) {
        long received = other.numReceived();
        awaitThat("the others are told more", () -> other.numReceived() > received);
      }
      for (CuttableClient.Call other : others) {
        other.cut();
      }
      awaitThat("all have ended", () -> stats().running() == 0);
      client.finishOne(body(SHORT_PROMPT, 1, true));
    }
  }

  @Test
  void clientThatClosesItsSendingSideHasGone() throws IOException, InterruptedException {
    long before = cancelled(Phase.DECODE);
    double counted = counted(Phase.DECODE);
    try (RawHttp http = new RawHttp(service.port())) {
      http.send(
          "POST",
          "/generate",
          body(SHORT_PROMPT, 5000, true).getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json");
      http.readUntil(text -> text.contains("\"index\":2,"));
      http.closeSendingSide();
      awaitThat("it is cancelled", () -> cancelled(Phase.DECODE) == before + 1);
      awaitThat("it is counted", () -> counted(Phase.DECODE) == counted + 1);
    }
  }

  private static long cancelled(Phase phase) {
    return stats().cancelled().getOrDefault(phase, 0L);
  }

  private static double counted(Phase phase) {
    return scraped(
        "slabstream_requests_cancelled_total{by=\"client\",phase=\"%s\"} "
            .formatted(phase.name().toLowerCase(Locale.ROOT)));
  }

  private static double firstTokens() {
    return scraped("slabstream_time_to_first_token_seconds_count ");
  }

  private static double scraped(String series) {
    try {
      return RawHttp.exchange(service.port(), "GET", "/actuator/prometheus", "")
          .body()
          .lines()
          .filter(line -> line.startsWith(series))
          .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
          .findFirst()
          .orElseThrow(() -> new AssertionError(series + "is not scraped"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
