package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class BodyBudgetTest {
  private long nanos;
  private final BodyBudget budget = new BodyBudget(100, () -> nanos);
  private final List<String> evicted = new ArrayList<>();

  private BodyBudget.Share coming(String name) {
    return budget.coming(() -> evicted.add(name));
  }

  private void pass(long millis) {
    nanos += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Test
  void countsWhatIsTakenUntilItIsClosed() {
    BodyBudget.Share one = coming("one");
    BodyBudget.Share two = coming("two");
    assertThat(one.take(60)).isTrue();
    assertThat(two.take(40)).isTrue();
    assertThat(budget.taken()).isEqualTo(100);
    one.close();
    one.close();
    assertThat(budget.taken()).isEqualTo(40);
    two.complete();
    assertThat(budget.taken()).isEqualTo(40);
    two.close();
    assertThat(budget.taken()).isZero();
  }

  @Test
  void refusesTheNewcomerWhileTheOthersAreQuick() {
    coming("old").take(60);
    pass(999);
    BodyBudget.Share late = coming("late");
    assertThat(late.take(30)).isTrue();
    assertThat(late.take(30)).isFalse();
    assertThat(budget.taken()).as("what it had is given back").isEqualTo(60);
    assertThat(late.take(1)).as("it is out for good").isFalse();
    assertThat(late.complete()).isFalse();
    assertThat(evicted).isEmpty();
  }

  @Test
  void thoseThatAreLongInComingMakeRoomTheLongestFirst() {
    BodyBudget.Share whole = coming("whole");
    whole.take(20);
    whole.complete();
    BodyBudget.Share first = coming("first");
    first.take(30);
    coming("nothing yet");
    coming("second").take(30);
    pass(1000);
    BodyBudget.Share quick = coming("quick");
    assertThat(quick.take(40)).isTrue();
    assertThat(evicted).containsExactly("first");
    assertThat(budget.taken()).isEqualTo(90);
    assertThat(first.take(1)).isFalse();
    assertThat(first.complete()).isFalse();
    first.close();
    assertThat(budget.taken()).isEqualTo(90);
    assertThat(quick.take(40)).isTrue();
    assertThat(evicted).containsExactly("first", "second");
    assertThat(quick.take(1)).as("one that is whole makes no room").isFalse();
    assertThat(budget.taken()).isEqualTo(20);
  }

  @Test
  void aSlowOneMayTakeTheRoomOfAnotherButNotItsOwn() {
    BodyBudget.Share slow = coming("slow");
    slow.take(60);
    pass(5000);
    assertThat(slow.take(50)).isFalse();
    assertThat(evicted).isEmpty();
    assertThat(budget.taken()).isZero();
  }

  @Test
  void whatComesAheadGetsHalfAndNobodyMakesRoomForIt() {
    coming("slow").take(30);
    pass(5000);
    BodyBudget.Share ahead = budget.ahead();
    assertThat(ahead.take(20)).isTrue();
    ahead.give(15);
    assertThat(budget.taken()).isEqualTo(35);
    assertThat(ahead.take(16)).isFalse();
    assertThat(evicted).isEmpty();
    assertThat(budget.taken()).isEqualTo(30);
    ahead.give(5);
    assertThat(budget.taken()).isEqualTo(30);
  }
}
