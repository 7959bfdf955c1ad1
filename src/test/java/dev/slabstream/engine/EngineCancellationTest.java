package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Wherever a sequence is: one step after it was asked to end, it has ended.
class EngineCancellationTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final FakeModel model = new FakeModel(300, 0);
  private final KvSlab slab = leaks.slab(FakeModel.layout(16));
  private final Engine engine =
      new Engine(new EngineSettings(10, 32, 2), model, slab, new FakeClock());

  private final RecordingListener listener = new RecordingListener();
  private final RecordingListener other = new RecordingListener();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private SequenceHandle submit(int promptLength) {
    return engine.submit(Requests.request(Requests.prompt(2, promptLength), 10, listener));
  }

  private void submitOther() {
    engine.submit(Requests.request(Requests.prompt(1, 5), 10, other));
  }

  private void expectTheOtherToFinish() {
    while (engine.step() > 0) {}
    assertThat(other.last()).isEqualTo("finished LENGTH");
    assertThat(other.ids()).isEqualTo(FakeModel.continuation(0, Requests.prompt(1, 5), 10));
    assertThat(slab.stats().openLeases()).isZero();
  }

  @Test
  void endsBeforeTheEngineEverSawIt() {
    submitOther();
    submit(5).cancel();
    engine.step();
    assertThat(listener.told).containsExactly("cancelled in QUEUED");
    assertThat(engine.stats().waiting()).isZero();
    expectTheOtherToFinish();
  }

  @Test
  void endsInTheQueue() {
    submitOther();
    engine.submit(Requests.request(Requests.prompt(7, 5), 20, new RecordingListener()));
    SequenceHandle handle = submit(5);
    engine.step();
    assertThat(listener.told).isEmpty();
    assertThat(engine.stats().waiting()).isEqualTo(1);
    handle.cancel();
    assertThat(listener.told).as("told on the engine's thread only").isEmpty();
    engine.step();
    assertThat(listener.told).containsExactly("cancelled in QUEUED");
    assertThat(engine.stats().waiting()).isZero();
    assertThat(engine.stats().cancelled()).containsEntry(Phase.QUEUED, 1L);
    expectTheOtherToFinish();
  }

  @Test
  void endsInPrefill() {
    SequenceHandle handle = submit(100);
    submitOther();
    engine.step();
    assertThat(listener.told).containsExactly("admitted");
    assertThat(slab.stats().leasedBlocks()).isEqualTo(2);
    handle.cancel();
    engine.step();
    assertThat(listener.told).containsExactly("admitted", "cancelled in PREFILL");
    assertThat(engine.stats().cancelled()).containsEntry(Phase.PREFILL, 1L);
    // The next step computes the other one only: nothing was computed for the one that ended.
    assertThat(model.takeLastStep()).hasSize(1);
    expectTheOtherToFinish();
  }

  @Test
  void endsInDecode() {
    SequenceHandle handle = submit(5);
    submitOther();
    engine.step();
    engine.step();
    handle.cancel();
    engine.step();
    assertThat(listener.told)
        .containsExactly("admitted", "token 0", "token 1", "cancelled in DECODE");
    assertThat(engine.stats().cancelled()).containsEntry(Phase.DECODE, 1L);
    assertThat(slab.stats().resets()).containsEntry(ResetCause.CANCELLED, 1L);
    assertThat(slab.stats().openLeases()).isEqualTo(1);
    expectTheOtherToFinish();
  }

  @Test
  void oneStepIsEnoughWhenAskedForDuringAStep() {
    SequenceHandle handle = submit(5);
    submitOther();
    engine.step();
    model.before = handle::cancel;
    engine.step();
    model.before = () -> {};
    // The step that ran hands its token out; the next one computes nothing for it.
    assertThat(listener.told).containsExactly("admitted", "token 0", "token 1");
    engine.step();
    assertThat(listener.last()).isEqualTo("cancelled in DECODE");
    assertThat(model.takeLastStep()).hasSize(1);
    expectTheOtherToFinish();
    assertThat(engine.stats().mostStepsToCancel()).as("begun after it").isZero();
  }

  @Test
  void noStepIsBegunWhenAskedForBetweenSteps() {
    SequenceHandle handle = submit(5);
    submitOther();
    engine.step();
    handle.cancel();
    handle.cancel();
    engine.step();
    assertThat(listener.last()).isEqualTo("cancelled in DECODE");
    assertThat(engine.stats().mostStepsToCancel()).isZero();
    expectTheOtherToFinish();
  }

  @Test
  void aListenerMayCancelItsOwnSequence() {
    List<SequenceHandle> handle = new ArrayList<>();
    listener.before =
        what -> {
          if (what.equals("token 3")) {
            handle.getFirst().cancel();
          }
        };
    handle.add(submit(5));
    submitOther();
    expectTheOtherToFinish();
    assertThat(listener.told)
        .containsExactly(
            "admitted", "token 0", "token 1", "token 2", "token 3", "cancelled in DECODE");
  }

  @Test
  void isHarmlessTwiceAndAfterTheEnd() {
    SequenceHandle handle = submit(5);
    handle.cancel();
    handle.cancel();
    engine.step();
    handle.cancel();
    assertThat(engine.step()).isZero();
    assertThat(listener.told).containsExactly("cancelled in QUEUED");
  }

  @Test
  void roomThatComesBackIsGivenOutInTheSameStep() {
    SequenceHandle handle = submit(200);
    engine.step();
    engine.submit(Requests.request(Requests.prompt(1, 100), 10, other));
    engine.step();
    assertThat(other.told).as("210 of 256 tokens are reserved").isEmpty();
    handle.cancel();
    engine.step();
    assertThat(other.told).containsExactly("admitted");
    engine.close();
  }
}
