package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
  @Test
  void findsAStringThatBeginsAgainInsideItself() {
    StopMatcher matcher = new StopMatcher(List.of("aab"));
    assertThat(feed(matcher, "aaa")).isZero();
    assertThat(matcher.heldBack()).isEqualTo(2);
    assertThat(matcher.next('b')).isEqualTo(3);
  }

  @Test
  void holdsNothingBackWithoutStopStrings() {
    StopMatcher matcher = new StopMatcher(List.of());
    assertThat(feed(matcher, "anything")).isZero();
    assertThat(matcher.heldBack()).isZero();
  }

  @Test
  void prefersTheStringThatIsCompleteFirstAndThenTheLongest() {
    assertThat(feed(new StopMatcher(List.of("abcd", "bc")), "abc")).isEqualTo(2);
    assertThat(feed(new StopMatcher(List.of("c", "abc", "bc")), "abc")).isEqualTo(3);
  }

  @Test
  void agreesWithNaiveSearchOnRandomTexts() {
    Random random = new Random(7);
    int matches = 0;
    for (int round = 0; round < 5_000; round++) {
      List<String> stops =
          random.ints(1 + random.nextInt(3), 1, 5).mapToObj(n -> word(random, n)).toList();
      StopMatcher matcher = new StopMatcher(stops);
      String text = word(random, 24);
      for (int end = 1; end <= text.length(); end++) {
        String soFar = text.substring(0, end);
        int longest =
            stops.stream().filter(soFar::endsWith).mapToInt(String::length).max().orElse(0);
        assertThat(matcher.next(text.charAt(end - 1)))
            .as("%s in %s", stops, soFar)
            .isEqualTo(longest);
        if (longest > 0) {
          matches++;
          break;
        }
        assertThat(matcher.heldBack()).as("%s in %s", stops, soFar).isEqualTo(held(stops, soFar));
      }
    }
    assertThat(matches).isBetween(1_000, 4_999);
  }

  private static int held(List<String> stops, String soFar) {
    int most = 0;
    for (String stop : stops) {
      for (int n = 1; n < stop.length(); n++) {
        if (soFar.endsWith(stop.substring(0, n))) {
          most = Math.max(most, n);
        }
      }
    }
    return most;
  }

  private static int feed(StopMatcher matcher, String text) {
    int complete = 0;
    for (int i = 0; i < text.length() && complete == 0; i++) {
      complete = matcher.next(text.charAt(i));
    }
    return complete;
  }

  private static String word(Random random, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append("abc".charAt(random.nextInt(3)));
    }
    return word.toString();
  }
}
