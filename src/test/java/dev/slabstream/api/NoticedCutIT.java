package dev.slabstream.api;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.RunningService;
import dev.slabstream.engine.EngineStats;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// From the moment when the server notices that a connection is gone to the return of its request's lease, in steps of the engine.
@Timeout(120)
final class NoticedCutIT {
  private static byte[] body(int maxNewTokens, boolean stream) {
    return ("{\"inputs\":\"Once upon a time\",\"stream\":%b,"
            + "\"parameters\":{\"ignore_eos\":true,\"max_new_tokens\":%d}}")
        .formatted(stream, maxNewTokens)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static RawHttp send(RunningService service, byte[] body) throws Exception {
    RawHttp http = new RawHttp(service.port());
    http.send("POST", "/generate", body, "Content-Type: application/json", "Connection: close");
    return http;
  }

  private static EngineStats stats(RunningService service) {
    return service.loaded().engine().stats();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitTwo(RunningService service) {
    try {
      awaitThat("two are there", () -> stats(service).running() + stats(service).waiting() == 2);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The engine is within a step when the connection goes, and until the server has dealt with that: however busy the machine is, the
  /// event loop is as quick as the engine.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theLeaseIsBackWithinAStep(boolean stream) throws Exception {
    try (RunningService service = RunningService.faulty("slabstream.model.warm-up=false")) {
      long enough = stats(service).generatedTokens() + 40;
      CountDownLatch inStep = new CountDownLatch(1);
      CountDownLatch told = new CountDownLatch(1);
      AtomicLong noticedInStep = new AtomicLong(-1);
      AtomicLong lastStepWithLease = new AtomicLong(-1);
      service
          .kernels()
          .before(
              (operation, _) -> {
                if (!operation.equals("swiGlu")) {
                  return;
                }
                if (told.getCount() > 0) {
                  // The first one does not come to its end before the second is there.
                  awaitTwo(service);
                }
                if (stats(service).generatedTokens() >= enough
                    && service.slab().openLeases() == 2) {
                  inStep.countDown();
                  await(told);
                  lastStepWithLease.set(stats(service).steps());
                }
              });
      service
          .connections()
          .whenGone(() -> noticedInStep.compareAndSet(-1, stats(service).steps()), told::countDown);
      try (RawHttp other = send(service, body(400, true))) {
        RawHttp cut = send(service, body(400, stream));
        await(inStep);
        cut.close();
        assertThat(other.readReply().body()).contains("\"index\":400,").doesNotContain("error");
      }
      awaitThat("every lease is back", () -> service.slab().openLeases() == 0);
      assertThat(stats(service).cancelled().values().stream().mapToLong(each -> each).sum())
          .isEqualTo(1);
      assertThat(noticedInStep).hasPositiveValue();
      assertThat(lastStepWithLease.get() - noticedInStep.get()).isBetween(0L, 1L);
    }
  }
}
