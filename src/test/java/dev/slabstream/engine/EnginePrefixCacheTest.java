package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.kvcache.EvictionCause;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.model.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What of a prompt is computed when earlier requests had the same beginning: exact chunks, exact blocks.
class EnginePrefixCacheTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final CacheScope scope = new CacheScope();
  private final FakeClock clock = new FakeClock();
  private FakeModel model = new FakeModel(2000, 0);
  private KvSlab slab = leaks.slab(FakeModel.layout(24));
  private Engine engine = engine(new EngineSettings(20, 32, 8));

  private Engine engine(EngineSettings settings) {
    return new Engine(settings, model, slab, clock);
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static int[] prompt(int length) {
    return Requests.prompt(3, length);
  }

  private static int[] join(int[] first, int... second) {
    int[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  private RecordingListener submit(CacheScope scope, int[] prompt, int maxNewTokens) {
    RecordingListener listener = new RecordingListener();
    engine.submit(Requests.inScope(scope, Requests.request(prompt, maxNewTokens, listener)));
    return listener;
  }

  /// Runs until nothing is left to do.
  private void finish() {
    while (engine.step() > 0) {}
  }

  /// Runs a request to its end, which must be what it is without a cache.
  private RecordingListener run(CacheScope scope, int[] prompt, int maxNewTokens) {
    RecordingListener listener = submit(scope, prompt, maxNewTokens);
    finish();
    expect(listener, prompt, maxNewTokens);
    return listener;
  }

  private void expect(RecordingListener listener, int[] prompt, int maxNewTokens) {
    assertThat(listener.last()).isEqualTo("finished LENGTH");
    assertThat(listener.ids())
        .isEqualTo(FakeModel.continuation(model.config().slidingWindow(), prompt, maxNewTokens));
  }

  private void expectStep(String... slices) {
    engine.step();
    assertThat(model.takeLastStep()).containsExactly(slices);
  }

  private void expectOnlyFreeBlocks() {
    assertThat(slab.stats().freeBlocks()).isEqualTo(slab.stats().numBlocks());
  }

  @Test
  void aLaterRequestComputesOnlyWhatComesAfterTheSharedBlocks() {
    RecordingListener first = run(scope, prompt(40), 1);
    assertThat(first.told).doesNotContain("cached tokens");
    RecordingListener second = submit(scope, join(prompt(40), 5, 6, 7), 2);
    expectStep("32+11 LAST [0, 1, 2]");
    assertThat(second.told).containsExactly("admitted", "cached tokens", "token 0");
    assertThat(second.cachedTokens).isEqualTo(32);
    expectStep("43+1 LAST [0, 1, 2]");
    expect(second, join(prompt(40), 5, 6, 7), 2);
    assertThat(engine.stats().promptTokens()).isEqualTo(40 + 11);
    assertThat(engine.stats().cachedTokens()).isEqualTo(32);
  }

  /// The last token's logits are wanted, so the block that it is in is computed, even if it is there.
  @ParameterizedTest
  @CsvSource({"31, 16", "32, 16", "33, 32", "17, 16", "16, 0", "1, 0"})
  void theLastTokenOfAPromptIsAlwaysComputed(int length, int cached) {
    run(scope, prompt(40), 1);
    assertThat(run(scope, prompt(length), 3).cachedTokens).isEqualTo(cached);
  }

  @Test
  void aSecondTurnComputesOnlyItsNewTokens() {
    RecordingListener first = run(scope, prompt(50), 20);
    int[] turn = join(join(prompt(50), first.ids()), 8, 9, 10, 11);
    long before = engine.stats().promptTokens();
    RecordingListener second = run(scope, turn, 10);
    // Of the 70 tokens before, 69 were computed: the last one was only sampled. That is four
    // blocks.
    assertThat(second.cachedTokens).isEqualTo(64);
    assertThat(engine.stats().promptTokens() - before).isEqualTo(74 - 64);
  }

  /// The turn's 800 tokens are 784 that are cached and 16 that are not.
  @Test
  void whatIsCachedOfAPromptDoesNotMakeItALongOne() {
    slab = leaks.slab(FakeModel.layout(120));
    engine.close();
    engine = engine(new EngineSettings(20, 32, 8));
    run(scope, prompt(790), 1);
    RecordingListener other = submit(scope, Requests.prompt(9, 600), 1);
    RecordingListener turn = submit(scope, prompt(800), 1);
    clock.advance(1000);
    engine.step();
    assertThat(turn.cachedTokens).isEqualTo(784);
    assertThat(turn.last()).isEqualTo("finished LENGTH");
    assertThat(other.told).containsExactly("admitted");
  }

  /// All ten are there before the first step.
  @ParameterizedTest
  @CsvSource({"0, 0", "0, 1000000", "0, 3000000", "0, 10000000", "100, 0", "100, 1000000"})
  void tenRequestsThatComeAtOnceComputeTheirCommonBeginningOnce(int window, long nanosPerToken) {
    model = new FakeModel(2000, window);
    model.duration =
        batch -> clock.advance(nanosPerToken * batch.stream().mapToInt(Slice::count).sum());
    slab = leaks.slab(FakeModel.layout(700));
    engine.close();
    engine = engine(new EngineSettings(20, 512, 16));
    int[] system = prompt(1000);
    List<int[]> prompts =
        IntStream.range(0, 10).mapToObj(i -> join(system, Requests.prompt(i, 20 + i))).toList();
    List<RecordingListener> listeners = new ArrayList<>();
    prompts.forEach(each -> listeners.add(submit(scope, each, 12)));
    finish();
    for (int i = 0; i < 10; i++) {
      expect(listeners.get(i), prompts.get(i), 12);
    }
    // 1,000 tokens are 62 blocks and 8 tokens; each has 20 + i of its own.
    assertThat(engine.stats().promptTokens()).isEqualTo(992 + 10 * 28 + 45);
    assertThat(engine.stats().cachedTokens()).isEqualTo(9 * 992);
  }

  @Test
  void tenRequestsOneAfterTheOtherComputeTheirCommonBeginningOnce() {
    slab = leaks.slab(FakeModel.layout(80));
    engine.close();
    engine = engine(new EngineSettings(20, 32, 8));
    for (int i = 0; i < 10; i++) {
      RecordingListener listener = run(scope, join(prompt(1000), i, 1, 2, 3), 4);
      assertThat(listener.cachedTokens).isEqualTo(i == 0 ? 0 : 992);
    }
    assertThat(engine.stats().promptTokens()).isEqualTo(992 + 10 * 12);
  }

  @Test
  void whoWaitsForABlockThatAnotherComputesTakesItInTheNextStep() {
    int[] same = join(prompt(16), 1, 2, 3, 4, 5, 6, 7, 8);
    RecordingListener first = submit(scope, prompt(20), 1);
    RecordingListener second = submit(scope, same, 1);
    RecordingListener other = submit(scope, Requests.prompt(9, 5), 1);
    expectStep("0+20 LAST [0, 1]", "0+5 LAST [2]");
    expectStep("16+8 LAST [0, 2]");
    expect(first, prompt(20), 1);
    expect(second, same, 1);
    expect(other, Requests.prompt(9, 5), 1);
  }

  @Test
  void anotherScopeFindsNothingOfTheSameTokens() {
    RecordingListener first = submit(scope, prompt(60), 20);
    engine.step();
    engine.step();
    CacheScope stranger = new CacheScope();
    RecordingListener second = submit(stranger, prompt(60), 20);
    expectStep("60+1 LAST [0, 1, 2, 3, -1]", "0+31 NONE [4, 5, -1, -1, -1]");
    finish();
    expect(first, prompt(60), 20);
    expect(second, prompt(60), 20);
    assertThat(second.told).doesNotContain("cached tokens");
    assertThat(engine.stats().cachedTokens()).isZero();
    // Both left their blocks. Nor does a third scope find any, although its prompt is what both
    // asked and were answered.
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2 * 4);
    int[] all = join(prompt(60), first.ids());
    assertThat(run(new CacheScope(), all, 1).cachedTokens).isZero();
    assertThat(run(stranger, all, 1).cachedTokens).isEqualTo(64);
  }

  /// Every number in the blocks of the one session is overwritten in the slab; the other does not see it.
  @Test
  void twoScopesNeverShareABlock() {
    RecordingListener first = submit(scope, prompt(60), 30);
    RecordingListener second = submit(new CacheScope(), prompt(60), 30);
    List<String> tables = new ArrayList<>();
    while (engine.step() > 0) {
      for (String slice : model.takeLastStep()) {
        tables.add(slice.substring(slice.indexOf('[') + 1, slice.indexOf(']')));
      }
    }
    expect(first, prompt(60), 30);
    expect(second, prompt(60), 30);
    List<String> distinct =
        tables.stream().flatMap(table -> Arrays.stream(table.split(", "))).distinct().toList();
    // Six blocks each, and -1.
    assertThat(distinct).hasSize(2 * 6 + 1);
  }

  @Test
  void aRequestWithoutAScopeFindsNothingAndLeavesNothing() {
    run(scope, prompt(40), 1);
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
    RecordingListener without = new RecordingListener();
    engine.submit(Requests.request(prompt(50), 30, without));
    finish();
    expect(without, prompt(50), 30);
    assertThat(without.cachedTokens).isZero();
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
  }

  @Test
  void promptLogprobsHaveNothingToDoWithTheCache() {
    run(scope, prompt(40), 1);
    model.takeLastStep();
    RecordingListener listener = new RecordingListener();
    engine.submit(
        Requests.inScope(
            scope, Requests.withPromptLogprobs(Requests.request(prompt(60), 1, listener))));
    engine.step();
    assertThat(model.takeLastStep()).singleElement().asString().startsWith("0+32 ALL");
    assertThat(listener.cachedTokens).isZero();
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
  }

  @Test
  void aSequenceThatIsCancelledLeavesWhatItHasComputed() {
    RecordingListener listener = new RecordingListener();
    SequenceHandle handle =
        engine.submit(Requests.inScope(scope, Requests.request(prompt(150), 9, listener)));
    engine.step();
    engine.step();
    handle.cancel();
    finish();
    assertThat(slab.stats().cachedBlocks()).isEqualTo(4);
    assertThat(run(scope, prompt(150), 3).cachedTokens).isEqualTo(64);
  }

  /// The poison shows only with the last token of the prompt, four steps after its block was published.
  @Test
  void aSequenceWhoseLogitsAreNotFiniteLeavesNothing() {
    int[] poisoned = prompt(150);
    poisoned[20] = FakeModel.POISON_ID;
    RecordingListener bad = submit(scope, poisoned, 3);
    engine.step();
    assertThat(slab.stats().leasedBlocks()).isEqualTo(2);
    // It has the same first block, and takes it while the other is well.
    RecordingListener sharer = submit(scope, join(Arrays.copyOf(poisoned, 16), 1, 2, 3), 40);
    finish();
    assertThat(bad.failure).isInstanceOf(NonFiniteLogitsException.class);
    assertThat(sharer.cachedTokens).isEqualTo(16);
    expect(sharer, join(Arrays.copyOf(poisoned, 16), 1, 2, 3), 40);
    // The sharer's own two blocks (of 58 computed tokens) are there; their beginning is not.
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
    assertThat(run(scope, prompt(40), 1).cachedTokens).isZero();
  }

  @Test
  void theSequencesOfAStepThatThrewLeaveNothing() {
    submit(scope, prompt(60), 20);
    engine.step();
    engine.step();
    model.before =
        () -> {
          throw new IllegalStateException("injected");
        };
    engine.step();
    model.before = () -> {};
    expectOnlyFreeBlocks();
    assertThat(run(scope, prompt(60), 20).cachedTokens).isZero();
  }

  @Test
  void aForgottenScopeLeavesNothingBehind() {
    run(scope, prompt(60), 1);
    CacheScope other = new CacheScope();
    run(other, prompt(60), 1);
    engine.forget(scope);
    engine.step();
    assertThat(slab.stats().cachedBlocks()).isEqualTo(3);
    assertThat(slab.stats().evictions()).containsEntry(EvictionCause.FORGOTTEN, 3L);
    assertThat(run(other, prompt(60), 1).cachedTokens).isEqualTo(48);
    engine.forget(other);
    engine.step();
    expectOnlyFreeBlocks();
  }

  @Test
  void aScopeThatIsForgottenWhileItsSequencesRunAndWaitLeavesNothingBehind() {
    RecordingListener running = submit(scope, prompt(100), 60);
    engine.step();
    RecordingListener waiting = submit(scope, prompt(100), 60);
    engine.forget(scope);
    finish();
    expect(running, prompt(100), 60);
    expect(waiting, prompt(100), 60);
    assertThat(waiting.cachedTokens).isZero();
    RecordingListener late = run(scope, prompt(100), 60);
    assertThat(late.cachedTokens).isZero();
    expectOnlyFreeBlocks();
  }

  @Test
  void anIdleEngineForgetsAtOnce() throws InterruptedException {
    run(scope, prompt(60), 1);
    engine.start();
    engine.forget(scope);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (slab.stats().cachedBlocks() > 0) {
      assertThat(System.nanoTime()).as("within 20 s").isLessThan(deadline);
      Thread.sleep(1);
    }
    expectOnlyFreeBlocks();
  }

  @Test
  void admissionCountsCachedBlocksAsRoomAndEvictsThemOnlyThen() {
    run(scope, prompt(160), 1);
    assertThat(slab.stats().cachedBlocks()).isEqualTo(10);
    RecordingListener large = submit(new CacheScope(), Requests.prompt(5, 300), 80);
    finish();
    expect(large, Requests.prompt(5, 300), 80);
    assertThat(slab.stats().evictions()).containsEntry(EvictionCause.ROOM, 10L);
  }

  @Test
  void whatIsSharedIsInTheSlabOnce() {
    // Four requests of eleven blocks in a slab of 24: ten are shared, and each has one of its own.
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      listeners.add(submit(scope, join(prompt(160), i), 15));
    }
    int most = 0;
    while (engine.step() > 0) {
      most = Math.max(most, engine.stats().running());
    }
    for (int i = 0; i < 4; i++) {
      expect(listeners.get(i), join(prompt(160), i), 15);
    }
    assertThat(most).isEqualTo(4);
    assertThat(slab.stats().highWaterBlocks()).isEqualTo(14);
  }

  @Test
  void aWindowedModelNeedsOnlyTheBlocksInItsWindow() {
    model = new FakeModel(2000, 20);
    engine.close();
    engine = engine(new EngineSettings(20, 32, 8));
    run(scope, prompt(200), 1);
    model.takeLastStep();
    RecordingListener second = submit(scope, join(prompt(200), 1, 2), 1);
    engine.step();
    assertThat(model.takeLastStep()).singleElement().asString().startsWith("192+10 LAST [-1, ");
    expect(second, join(prompt(200), 1, 2), 1);
    assertThat(second.cachedTokens).isEqualTo(192);
  }
}
