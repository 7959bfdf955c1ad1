package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/// What hangs falls silent; what is slow, busy or idle does not.
@Timeout(30)
class HeartbeatTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final AtomicLong nanos = new AtomicLong(1000);
  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(32));
  private final Engine engine = new Engine(new EngineSettings(8, 64, 8), model, slab, nanos::get);
  private final CountDownLatch goOn = new CountDownLatch(1);

  @AfterEach
  void closeEngine() {
    goOn.countDown();
    engine.close();
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private RecordingListener submit(int promptLength) {
    RecordingListener listener = new RecordingListener();
    engine.submit(Requests.request(Requests.prompt(1, promptLength), 3, listener));
    return listener;
  }

  @Test
  void aSlowModelBeatsWithEveryLayerHoweverLongTheStep() {
    List<Duration> silences = new ArrayList<>();
    model.numLayers = 5;
    model.inLayer =
        () -> {
          pass(Duration.ofSeconds(50));
          silences.add(engine.silence());
        };
    RecordingListener listener = submit(200);
    while (engine.step() > 0) {}
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    // A prompt in chunks and two decodes, five layers each: a step takes 250 s, a layer 50.
    assertThat(silences).hasSizeGreaterThanOrEqualTo(15).containsOnly(Duration.ofSeconds(50));
  }

  @Test
  void aStepThatHangsIsSilentForAsLongAsItDoes() throws Exception {
    CountDownLatch inLayer = new CountDownLatch(1);
    model.inLayer =
        () -> {
          inLayer.countDown();
          awaitLatch(goOn);
        };
    engine.start();
    RecordingListener listener = submit(20);
    awaitLatch(inLayer);
    pass(Duration.ofSeconds(61));
    assertThat(engine.silence()).isEqualTo(Duration.ofSeconds(61));
    submit(20);
    pass(Duration.ofSeconds(10));
    assertThat(engine.silence()).as("a submission is no beat").isEqualTo(Duration.ofSeconds(71));

    goOn.countDown();
    assertThat(listener.end.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(engine.silence()).isLessThan(Duration.ofSeconds(61));
  }

  @Test
  void anIdleEngineIsNeverSilent() throws Exception {
    engine.start();
    for (int i = 0; i < 3; i++) {
      assertThat(submit(20).end.await(20, TimeUnit.SECONDS)).isTrue();
      Thread thread = EngineThreadTest.engineThread();
      while (thread.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
      pass(Duration.ofHours(1));
      assertThat(engine.silence()).isZero();
    }
  }

  @Test
  void anEngineThatDiedOfAnErrorIsSilentForGood() throws Exception {
    CountDownLatch died = new CountDownLatch(1);
    try (Engine dying =
        new Engine(
            new EngineSettings(8, 64, 8),
            model,
            slab,
            nanos::get,
            EngineEvents.NONE,
            _ -> died.countDown())) {
      model.before =
          () -> {
            throw new StackOverflowError("injected");
          };
      dying.start();
      dying.submit(Requests.request(Requests.prompt(1, 5), 3, new RecordingListener()));
      awaitLatch(died);
      pass(Duration.ofSeconds(61));
      assertThat(dying.silence()).isEqualTo(Duration.ofSeconds(61));
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
