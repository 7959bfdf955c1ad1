package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.kvcache.KvStats;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/// Who begins with what whose requests have computed, from session to slab.
@Timeout(60)
class PrefixCacheOverEngineTest {
  private static final String SYSTEM =
      "You are a helpful assistant that answers in short. ".repeat(6);

  private final RecordingObserver observer = new RecordingObserver();
  private @Nullable TinyService open;

  private TinyService open(PrefixCacheScope scope) {
    TinyService tiny = new TinyService(new EngineSettings(64, 64, 16), 256, scope, observer);
    open = tiny;
    return tiny;
  }

  @AfterEach
  void close() {
    if (open != null) {
      open.close();
    }
  }

  private static String session(TinyService tiny) {
    return tiny.service().sessions().create(GenerateParameters.NONE).id();
  }

  private static Flux<GenerationEvent> generate(
      TinyService tiny, String inputs, @Nullable String session) {
    return tiny.service()
        .generate(
            new GenerateRequest(
                inputs, ParametersBuilder.parameters(p -> p.maxNewTokens(20).ignoreEos(true))),
            session);
  }

  private static List<GenerationEvent> run(
      TinyService tiny, String inputs, @Nullable String session) {
    return Objects.requireNonNull(
        generate(tiny, inputs, session).collectList().block(Duration.ofSeconds(20)));
  }

  private static Finished finished(List<GenerationEvent> events) {
    return (Finished) events.getLast();
  }

  private static int toBlocks(int tokens) {
    return tokens / 16 * 16;
  }

  @Test
  void aSecondTurnOfASessionComputesOnlyItsNewTokens() {
    TinyService tiny = open(PrefixCacheScope.SESSION);
    String session = session(tiny);
    Finished first = finished(run(tiny, SYSTEM, session));
    assertThat(first.cachedTokens()).isZero();
    long before = tiny.engine().stats().promptTokens();
    List<GenerationEvent> second = run(tiny, SYSTEM + "And you?", session);
    int shared = toBlocks(commonTokens(tiny, SYSTEM, SYSTEM + "And you?"));
    assertThat(shared).isPositive();
    assertThat(finished(second).cachedTokens()).isEqualTo(shared);
    assertThat(tiny.engine().stats().promptTokens() - before)
        .isEqualTo(finished(second).inputLength() - shared);
    assertThat(tiny.service().sessions().get(session).cachedTokens()).isEqualTo(shared);
    // A hit is a miss, but for what it says of itself.
    List<GenerationEvent> miss = run(tiny, SYSTEM + "And you?", null);
    assertThat(second.subList(0, second.size() - 1)).isEqualTo(miss.subList(0, miss.size() - 1));
    assertThat(second).hasAtLeastOneElementOfType(Token.class);
    assertThat(finished(second).generatedText()).isEqualTo(finished(miss).generatedText());
  }

  private static int commonTokens(TinyService tiny, String first, String second) {
    int[] a = tiny.tokenizer().encode(first, SpecialTokens.RECOGNISED);
    int[] b = tiny.tokenizer().encode(second, SpecialTokens.RECOGNISED);
    int common = 0;
    while (common < a.length && common < b.length && a[common] == b[common]) {
      common++;
    }
    return common + (tiny.tokenizer().bosId().isPresent() ? 1 : 0);
  }

  @Test
  void underSessionNobodyElseFindsAnything() {
    TinyService tiny = open(PrefixCacheScope.SESSION);
    Finished first = finished(run(tiny, SYSTEM, session(tiny)));
    Finished stranger = finished(run(tiny, SYSTEM, session(tiny)));
    Finished without = finished(run(tiny, SYSTEM, null));
    assertThat(List.of(first, stranger, without)).allMatch(each -> each.cachedTokens() == 0);
    assertThat(List.of(stranger, without)).allMatch(first::equals);
    assertThat(tiny.engine().stats().cachedTokens()).isZero();
  }

  @Test
  void underSessionRequestsWithoutOneAndDeletedOnesLeaveNothing() {
    TinyService tiny = open(PrefixCacheScope.SESSION);
    run(tiny, SYSTEM, null);
    assertThat(tiny.slab().stats().cachedBlocks()).isZero();
    String kept = session(tiny);
    String deleted = session(tiny);
    run(tiny, SYSTEM, kept);
    int ofOne = tiny.slab().stats().cachedBlocks();
    assertThat(ofOne).isPositive();
    run(tiny, SYSTEM, deleted);
    assertThat(tiny.slab().stats().cachedBlocks()).isEqualTo(2 * ofOne);
    tiny.service().sessions().delete(deleted);
    await(() -> tiny.slab().stats().cachedBlocks() == ofOne);
    assertThat(finished(run(tiny, SYSTEM, kept)).cachedTokens()).isPositive();
  }

  @Test
  void aSessionThatIsDeletedWhileItsRequestRunsLeavesNothing() {
    TinyService tiny = open(PrefixCacheScope.SESSION);
    String session = session(tiny);
    generate(tiny, SYSTEM, session)
        .doOnNext(
            event -> {
              if (event instanceof Token token && token.index() == 2) {
                tiny.service().sessions().delete(session);
              }
            })
        .onErrorComplete(GenerationException.class)
        .blockLast(Duration.ofSeconds(20));
    KvStats stats = tiny.slab().stats();
    await(() -> tiny.slab().stats().freeBlocks() == stats.numBlocks());
  }

  @Test
  void underGlobalTenSessionsComputeTheirCommonBeginningOnceHoweverTheyCome() {
    TinyService tiny = open(PrefixCacheScope.GLOBAL);
    List<Flux<List<GenerationEvent>>> atOnce = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      atOnce.add(generate(tiny, SYSTEM + "Question " + i, session(tiny)).collectList().flux());
    }
    List<Finished> ends = new ArrayList<>();
    Flux.merge(atOnce).map(PrefixCacheOverEngineTest::finished).doOnNext(ends::add).blockLast();
    for (int i = 5; i < 9; i++) {
      ends.add(finished(run(tiny, SYSTEM + "Question " + i, session(tiny))));
    }
    ends.add(finished(run(tiny, SYSTEM + "Question 9", null)));
    int shared = toBlocks(commonTokens(tiny, SYSTEM + "Question 0", SYSTEM + "Question 1"));
    assertThat(ends).filteredOn(end -> end.cachedTokens() == 0).hasSize(1);
    assertThat(ends)
        .filteredOn(end -> end.cachedTokens() > 0)
        .hasSize(9)
        .allMatch(end -> end.cachedTokens() == shared);
    int all = ends.stream().mapToInt(Finished::inputLength).sum();
    assertThat(tiny.engine().stats().promptTokens()).isEqualTo(all - 9 * shared);
  }

  @Test
  void underOffNothingIsFoundAndNothingLeft() {
    TinyService tiny = open(PrefixCacheScope.OFF);
    String session = session(tiny);
    Finished first = finished(run(tiny, SYSTEM, session));
    assertThat(run(tiny, SYSTEM, session).getLast()).isEqualTo(first);
    assertThat(tiny.engine().stats().cachedTokens()).isZero();
    assertThat(tiny.slab().stats().cachedBlocks()).isZero();
    tiny.service().sessions().delete(session);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("did not come true within 10 s");
      }
      Thread.yield();
    }
  }
}
