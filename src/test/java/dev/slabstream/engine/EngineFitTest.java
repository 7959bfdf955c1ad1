package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The largest sequence that the engine promises to take is taken and finishes; a larger one is refused, not queued.
class EngineFitTest {
  private static final int CONTEXT = 200;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  @ParameterizedTest
  @CsvSource({
    // window 0: all positions stay
    "0, 1, 16",
    "0, 3, 48",
    "0, 12, 192",
    "0, 13, 200",
    "0, 40, 200",
    // A window of 20 and a chunk of 10 take three blocks; in fewer, a short sequence keeps all of
    // its positions.
    "20, 1, 16",
    "20, 2, 32",
    "20, 3, 200",
    "20, 12, 200",
    // A window larger than the slab
    "150, 4, 64",
    "150, 11, 200",
  })
  void takesWhatItPromisesAndNoMore(int window, int numBlocks, int maxTokens) {
    KvSlab slab = leaks.slab(FakeModel.layout(numBlocks));
    FakeModel model = new FakeModel(CONTEXT, window);
    try (Engine engine = new Engine(new EngineSettings(4, 10, 2), model, slab, new FakeClock())) {
      assertThat(engine.maxSequenceTokens()).isEqualTo(maxTokens);
      int[] prompt = Requests.prompt(3, maxTokens / 2);
      RecordingListener listener = new RecordingListener();
      engine.submit(Requests.request(prompt, maxTokens - prompt.length, listener));
      if (maxTokens < CONTEXT) {
        assertThatIllegalArgumentException()
            .isThrownBy(
                () ->
                    engine.submit(
                        Requests.request(
                            prompt, maxTokens - prompt.length + 1, new RecordingListener())));
        assertThat(engine.gate().stats().requests()).isEqualTo(1);
      }
      while (engine.step() > 0) {}
      assertThat(listener.last()).isEqualTo("finished LENGTH");
      assertThat(listener.ids())
          .isEqualTo(FakeModel.continuation(window, prompt, maxTokens - prompt.length));
    }
  }
}
