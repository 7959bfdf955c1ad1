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
      new SubmissionQueue() {
        @Override
        synchronized long drainTo(Deque<Sequence> waiting) {
          long deadline = super.drainTo(waiting);
          afterDrain.run();
          return deadline;
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
    AdmissionGate.Place place = new AdmissionGate(8, 100, () -> 0).enter(5);
    Sequence sequence =
        new Sequence(request, null, place, loop::signalCancellation, () -> {}, () -> 0, 0);
    submissions.add(sequence);
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
