package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.sampling.Sampler;
import java.util.Deque;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class StepLoopTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final KvSlab slab = leaks.slab(FakeModel.layout(16));
  private final EngineSettings settings = new EngineSettings(8, 64, 8);
  private Runnable afterDrain = () -> {};
  private final SubmissionQueue submissions =
      new SubmissionQueue(8) {
        @Override
        synchronized void drainTo(Deque<Sequence> waiting) {
          super.drainTo(waiting);
          afterDrain.run();
        }
      };
  private final StepLoop loop =
      new StepLoop(
          submissions,
          new Scheduler(settings, slab, 0, () -> 0),
          slab,
          new StepBatch(8, new Heartbeat(() -> 0)),
          new FakeModel(100, 0),
          Sampler::of,
          new EngineCounters(),
          EngineEvents.NONE,
          () -> 0);

  private void submitAndCancel(RecordingListener listener) {
    SequenceRequest request = Requests.request(Requests.prompt(1, 5), 50, listener);
    Sequence sequence = new Sequence(request, null, loop::signalCancellation, () -> {}, 0);
    assertThat(submissions.offer(sequence)).isTrue();
    sequence.cancel();
  }

  @Test
  void aSequenceThatEntersAndIsCancelledWhileAStepTakesInIsCancelledByTheNext() {
    RecordingListener listener = new RecordingListener();
    afterDrain =
        () -> {
          afterDrain = () -> {};
          submitAndCancel(listener);
        };
    loop.step();
    assertThat(listener.told).isEmpty();
    loop.step();
    assertThat(listener.last()).startsWith("cancelled");
    assertThat(listener.ids()).isEmpty();
    assertThat(submissions.numWaiting()).isZero();
  }
}
