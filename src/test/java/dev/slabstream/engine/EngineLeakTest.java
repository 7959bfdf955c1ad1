package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.kvcache.EvictionCause;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.KvStats;
import dev.slabstream.kvcache.LeakDetector;
import dev.slabstream.kvcache.ResetCause;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ten thousand sequences, ended in every way there is, at random moments: every block comes back, also those that
/// they share, and those that finish are right.
class EngineLeakTest {
  private static final Logger log = LoggerFactory.getLogger(EngineLeakTest.class);
  private static final int NUM_REQUESTS = 10_000;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final SplittableRandom random = new SplittableRandom(10_000);
  private final List<Submitted> live = new ArrayList<>();
  private final CacheScope[] scopes = {new CacheScope(), new CacheScope()};
  private int window;
  private int late;
  private int lateInQueue;

  private record Submitted(
      int[] prompt, int count, RecordingListener listener, SequenceHandle handle) {}

  @ParameterizedTest
  @ValueSource(ints = {0, 40})
  void tenThousandSequencesThatFinishFailAndGetCancelledLeaveNothing(int window) {
    this.window = window;
    FakeModel model = new FakeModel(300, window);
    model.recording = false;
    KvSlab slab = leaks.slab(FakeModel.layout(48));
    FakeClock clock = new FakeClock();
    Engine engine = new Engine(new EngineSettings(32, 1500, 64, 12, null), model, slab, clock);
    int submitted = 0;
    while (submitted < NUM_REQUESTS || !live.isEmpty()) {
      while (submitted < NUM_REQUESTS && random.nextInt(3) != 0) {
        if (!submit(engine, clock.getAsLong())) {
          break;
        }
        submitted++;
      }
      if (!live.isEmpty() && random.nextInt(5) == 0) {
        live.get(random.nextInt(live.size())).handle().cancel();
      }
      if (random.nextInt(200) == 0) {
        forget(engine, random.nextInt(scopes.length));
      }
      boolean failing = random.nextInt(80) == 0;
      model.before = failing ? EngineLeakTest::fail : () -> {};
      clock.advance(1);
      engine.step();
      assertThat(engine.gate().stats().requests()).isEqualTo(engine.stats().waiting());
      KvStats stats = slab.stats();
      assertThat(stats.freeBlocks() + stats.leasedBlocks() + stats.cachedBlocks())
          .isEqualTo(stats.numBlocks());
      assertThat(stats.freeBlocks() + stats.cachedBlocks())
          .isGreaterThanOrEqualTo(stats.reservedBlocks());
      assertThat(stats.openLeases()).isEqualTo(engine.stats().running());
      live.removeIf(this::isOver);
    }
    forget(engine, 0);
    forget(engine, 1);
    engine.step();
    EngineStats stats = engine.stats();
    KvStats blocks = slab.stats();
    log.info("window {}: {}; {}", window, stats, blocks);
    assertThat(stats.submitted()).isEqualTo(NUM_REQUESTS);
    assertThat(blocks.openLeases()).isZero();
    assertThat(blocks.leasedBlocks()).isZero();
    assertThat(blocks.reservedBlocks()).isZero();
    assertThat(blocks.freeBlocks()).isEqualTo(48);
    assertThat(blocks.evictions().get(EvictionCause.ROOM)).isGreaterThan(1000);
    assertThat(blocks.evictions().get(EvictionCause.FORGOTTEN)).isGreaterThan(100);
    assertThat(stats.cachedTokens()).isGreaterThan(10_000);
    assertThat(blocks.highWaterBlocks()).isGreaterThan(25);
    assertThat(blocks.resets().values()).allMatch(count -> count > 300);
    assertThat(stats.finished().values()).allMatch(count -> count > 500);
    assertThat(stats.cancelled().values()).allMatch(count -> count > 50);
    // Whoever was cancelled in the queue, or was late there, never had a lease.
    assertThat(blocks.resets().values().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(NUM_REQUESTS - stats.cancelled().getOrDefault(Phase.QUEUED, 0L) - lateInQueue);
    assertThat(late).isGreaterThan(50);
    assertThat(blocks.resets()).containsEntry(ResetCause.FAILED, stats.failed() - lateInQueue);
    assertThat(stats.rejected()).isGreaterThan(500);
    assertThat(engine.gate().stats()).isEqualTo(new QueueStats(0, 0));
    engine.close();
  }

  private void forget(Engine engine, int scope) {
    engine.forget(scopes[scope]);
    scopes[scope] = new CacheScope();
  }

  private boolean submit(Engine engine, long now) {
    int salt = random.nextBoolean() ? random.nextInt(3) : random.nextInt(1000);
    int[] prompt = Requests.prompt(salt, random.nextInt(1, 200));
    if (random.nextInt(20) == 0) {
      prompt[random.nextInt(prompt.length)] = FakeModel.POISON_ID;
    }
    int count = random.nextInt(1, 60);
    RecordingListener listener = new RecordingListener();
    int stopAt = random.nextInt(4) == 0 ? random.nextInt(count) : -1;
    listener.verdict =
        index ->
            index == stopAt ? SequenceListener.Verdict.STOP : SequenceListener.Verdict.CONTINUE;
    if (random.nextInt(40) == 0) {
      String what = "token " + random.nextInt(count);
      listener.before =
          it -> {
            if (it.equals(what)) {
              fail();
            }
          };
    }
    SequenceRequest request = Requests.request(prompt, count, listener);
    if (random.nextInt(4) == 0) {
      request = Requests.withEnds(request, new int[] {5, 17, 33}, new int[0]);
    }
    if (random.nextInt(3) != 0) {
      request = Requests.inScope(scopes[random.nextInt(scopes.length)], request);
    }
    if (random.nextInt(10) == 0) {
      request =
          Requests.withDeadlines(
              request, new Deadlines(now + random.nextInt(40), now + random.nextInt(100)));
    }
    try {
      live.add(new Submitted(prompt, count, listener, engine.submit(request)));
      return true;
    } catch (OverloadedException e) {
      return false;
    }
  }

  private static void fail() {
    throw new IllegalStateException("injected");
  }

  private boolean isOver(Submitted submitted) {
    if (!submitted.listener().hasEnded()) {
      return false;
    }
    if (submitted.listener().failure instanceof TimeLimitException) {
      late++;
      lateInQueue += submitted.listener().told.getFirst().equals("failed") ? 1 : 0;
    }
    int[] ids = submitted.listener().ids();
    assertThat(ids).isEqualTo(FakeModel.continuation(window, submitted.prompt(), ids.length));
    return true;
  }
}
