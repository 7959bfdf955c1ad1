package dev.slabstream.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.slabstream.engine.AdmissionGate.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AdmissionGateTest {
  private static final long SECOND = 1_000_000_000L;

  private final FakeClock clock = new FakeClock();
  private final AdmissionGate gate = new AdmissionGate(4, 100, clock);

  private OverloadedException refused(int promptTokens) {
    List<OverloadedException> refusals = new ArrayList<>();
    assertThatExceptionOfType(OverloadedException.class)
        .isThrownBy(() -> gate.enter(promptTokens))
        .satisfies(refusals::add);
    return refusals.getFirst();
  }

  private Deque<Place> enter(int count, int promptTokens) {
    Deque<Place> places = new ArrayDeque<>();
    for (int i = 0; i < count; i++) {
      places.add(gate.enter(promptTokens));
    }
    return places;
  }

  @Test
  void refusesTheRequestThatWouldBeOneTooMany() {
    Deque<Place> places = enter(4, 1);
    assertThat(refused(1))
        .hasMessage("at most 4 requests may wait, this would be number 5")
        .satisfies(
            e -> {
              assertThat(e.limit()).isEqualTo(4);
              assertThat(e.actual()).isEqualTo(5);
            });
    places.remove().leave();
    assertThat(gate.stats()).isEqualTo(new QueueStats(3, 3));
    assertThat(gate.enter(1)).isNotNull();
    assertThat(gate.numRefused()).isEqualTo(1);
  }

  @Test
  void refusesTheTokensThatWouldBeOneTooMany() {
    Place first = gate.enter(60);
    Place second = gate.enter(40);
    assertThat(refused(1))
        .hasMessage("prompts of at most 100 tokens may wait, with this one it would be about 101")
        .satisfies(
            e -> {
              assertThat(e.limit()).isEqualTo(100);
              assertThat(e.actual()).isEqualTo(101);
            });
    second.leave();
    assertThat(gate.stats()).isEqualTo(new QueueStats(1, 60));
    gate.enter(40);
    first.leave();
  }

  @Test
  void takesAPromptOfAnyLengthWhenNobodyElseWaits() {
    Place place = gate.enter(5000);
    assertThat(refused(1).actual()).isEqualTo(5001);
    place.leave();
    place = gate.enter(10);
    place.settle(6000);
    assertThat(gate.stats()).isEqualTo(new QueueStats(1, 6000));
  }

  @Test
  void replacesTheEstimateByTheLength() {
    gate.enter(50);
    Place place = gate.enter(20);
    place.settle(50);
    assertThat(gate.stats()).isEqualTo(new QueueStats(2, 100));
    place.settle(5);
    assertThat(gate.stats()).isEqualTo(new QueueStats(2, 55));
    place.leave();
    assertThat(gate.stats()).isEqualTo(new QueueStats(1, 50));
  }

  @Test
  void refusesALengthThatIsTooMuchBesideOthersAndTakesTheEstimateBack() {
    gate.enter(50);
    Place place = gate.enter(20);
    assertThatExceptionOfType(OverloadedException.class)
        .isThrownBy(() -> place.settle(51))
        .satisfies(e -> assertThat(e.actual()).isEqualTo(101));
    place.leave();
    assertThat(gate.stats()).isEqualTo(new QueueStats(1, 50));
  }

  @Test
  void aPlaceIsGivenBackOnce() {
    gate.enter(7);
    Place place = gate.enter(5);
    place.leave();
    place.leave();
    assertThat(gate.stats()).isEqualTo(new QueueStats(1, 7));
    assertThatIllegalStateException().isThrownBy(() -> place.settle(3));
  }

  @Test
  void saysWhenThoseThatWaitWillHaveBeenAdmittedAtTheRateOfLate() {
    Deque<Place> places = enter(4, 10);
    for (int i = 0; i < 5; i++) {
      clock.advance(2 * SECOND);
      places.remove().admit();
      places.add(gate.enter(10));
    }
    // Half a request a second, four wait.
    assertThat(refused(10).retryAfterSeconds()).isEqualTo(8);
    assertThat(gate.retryAfterSeconds()).isEqualTo(8);
    // Since then nothing: 5 in 14 s, so 4 in 11.2 s.
    clock.advance(4 * SECOND);
    assertThat(refused(10).retryAfterSeconds()).isEqualTo(12);
  }

  @Test
  void measuresTokensWhenTheyAreWhatIsFull() {
    Deque<Place> places = new ArrayDeque<>(List.of(gate.enter(20), gate.enter(20)));
    clock.advance(SECOND);
    places.remove().admit();
    gate.enter(78);
    // 20 tokens in a second, 98 wait; of requests it is one a second, and two wait.
    assertThat(refused(3).retryAfterSeconds()).isEqualTo(5);
    assertThat(gate.retryAfterSeconds()).isEqualTo(2);
  }

  @Test
  void saysASecondAtLeastAndAMinuteAtMost() {
    assertThat(gate.retryAfterSeconds()).isEqualTo(1);
    Deque<Place> places = enter(4, 1);
    clock.advance(SECOND / 1000);
    places.remove().admit();
    gate.enter(1);
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(1);
    clock.advance(1000 * SECOND);
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(60);
  }

  @Test
  void expectsTheWorseTheLongerNothingMovesAtAll() {
    enter(4, 1);
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(1);
    clock.advance(2 * SECOND);
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(8);
  }

  @Test
  void timeInWhichNobodyWaitedSaysNothing() {
    Place first = gate.enter(1);
    clock.advance(2 * SECOND);
    first.admit();
    clock.advance(1000 * SECOND);
    enter(4, 1);
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(8);
  }

  @Test
  void forgetsHowItWasLongAgo() {
    Deque<Place> places = enter(4, 1);
    for (int i = 0; i < 100; i++) {
      clock.advance(SECOND / 100);
      places.remove().admit();
      places.add(gate.enter(1));
    }
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(1);
    for (int i = 0; i < 100; i++) {
      clock.advance(5 * SECOND);
      places.remove().admit();
      places.add(gate.enter(1));
    }
    // Four at one in five seconds.
    assertThat(refused(1).retryAfterSeconds()).isEqualTo(20);
  }

  /// A client that goes with all its connections, or a queue in which everybody's time is over: what waits behind them is not served any
  /// faster for it.
  @Test
  void whoLeavesWithoutBeingAdmittedDoesNotMakeItFaster() {
    Deque<Place> places = enter(4, 10);
    for (int i = 0; i < 5; i++) {
      clock.advance(2 * SECOND);
      places.remove().admit();
      places.add(gate.enter(10));
    }
    assertThat(refused(10).retryAfterSeconds()).isEqualTo(8);
    while (!places.isEmpty()) {
      places.remove().leave();
    }
    // It waits for nobody now, and half a request a second it still is when others come.
    assertThat(gate.retryAfterSeconds()).isEqualTo(1);
    enter(3, 30);
    assertThat(gate.retryAfterSeconds()).isEqualTo(6);
    // Five tokens a second were admitted, 90 wait.
    assertThat(refused(20).retryAfterSeconds()).isEqualTo(18);
  }

  @Test
  void aPlaceIsBackEvenWhenTheTimeCannotBeTold() {
    AtomicBoolean broken = new AtomicBoolean();
    AdmissionGate faulty =
        new AdmissionGate(
            4,
            100,
            () -> {
              if (broken.get()) {
                throw new OutOfMemoryError("injected");
              }
              return 0;
            });
    Place place = faulty.enter(10);
    broken.set(true);
    assertThatExceptionOfType(OutOfMemoryError.class).isThrownBy(place::leave);
    assertThat(faulty.stats()).isEqualTo(new QueueStats(0, 0));
  }

  /// Many threads that enter, learn the length, and leave once or twice: the bounds hold at every moment, and nothing is left over.
  @Test
  void holdsItsBoundsInACrowdAndLosesNoPlace() throws Exception {
    AdmissionGate crowded = new AdmissionGate(20, 1000, System::nanoTime);
    AtomicInteger refused = new AtomicInteger();
    List<Callable<Integer>> clients = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      SplittableRandom random = new SplittableRandom(t);
      clients.add(() -> storm(crowded, random, refused));
    }
    int entered = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(clients.size())) {
      for (Future<Integer> client : threads.invokeAll(clients)) {
        entered += client.get();
      }
    }
    assertThat(crowded.stats()).isEqualTo(new QueueStats(0, 0));
    assertThat(entered).isGreaterThan(1000);
    assertThat(crowded.numRefused()).isEqualTo(refused.get()).isGreaterThan(1000);
  }

  private static int storm(AdmissionGate gate, SplittableRandom random, AtomicInteger refused) {
    int entered = 0;
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      try {
        if (random.nextInt(2) == 0) {
          places.add(gate.enter(random.nextInt(1, 200)));
          entered++;
        } else if (!places.isEmpty() && random.nextBoolean()) {
          places.get(random.nextInt(places.size())).settle(random.nextInt(1, 300));
        }
      } catch (OverloadedException e) {
        refused.incrementAndGet();
      }
      if (!places.isEmpty() && random.nextInt(3) == 0) {
        Place leaving = places.remove(random.nextInt(places.size()));
        leaving.leave();
        if (random.nextBoolean()) {
          leaving.leave();
        }
      }
      QueueStats stats = gate.stats();
      assertThat(stats.requests()).isBetween(0, 20);
      assertThat(stats.promptTokens()).isNotNegative();
      if (stats.requests() > 1) {
        assertThat(stats.promptTokens()).isLessThanOrEqualTo(1000);
      }
    }
    places.forEach(Place::leave);
    return entered;
  }
}
