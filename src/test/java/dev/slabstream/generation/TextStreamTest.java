package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationEvent.TokenInfo;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.TokenLogprob;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextStreamTest {
  private final ByteTokenizer tokenizer =
      new ByteTokenizer(
          List.of(
              utf8("ab"),
              utf8("bc"),
              utf8("cab"),
              utf8("é"),
              new byte[] {'a', (byte) 0xE2},
              new byte[] {(byte) 0x82, (byte) 0xAC, 'b'}),
          List.of("<eos>", "<tool>"),
          OptionalInt.empty());
  private final List<Token> events = new ArrayList<>();

  @Test
  void sendsEveryTokenAtOnceWithoutStopStrings() {
    TextStream stream = stream();
    next(stream, 'h');
    next(stream, 'i');
    assertThat(texts()).containsExactly("h", "i");
    assertThat(events).extracting(Token::index).containsExactly(1, 2);
  }

  @Test
  void holdsATokenBackWhileItMayBeginAStopString() {
    TextStream stream = stream("END");
    next(stream, 'x');
    next(stream, 'E');
    next(stream, 'N');
    assertThat(texts()).containsExactly("x");
    next(stream, 'y');
    assertThat(texts()).containsExactly("x", "E", "N", "y");
  }

  @Test
  void cutsTheTokensThatHoldTheStopStringToWhatLiesBeforeIt() {
    TextStream stream = stream("bca");
    next(stream, id("ab"));
    assertThat(next(stream, id("cab"))).isTrue();
    assertThat(stream.finish()).isTrue();
    assertThat(texts()).containsExactly("a", "");
    assertThat(stream.text()).isEqualTo("a");
    assertThat(events).extracting(Token::last).containsExactly(false, true);
  }

  @Test
  void waitsForTheRestOfACharacter() {
    TextStream stream = stream();
    next(stream, 0xE2);
    next(stream, 0x82);
    assertThat(texts()).containsExactly("");
    next(stream, 0xAC);
    assertThat(texts()).containsExactly("", "", "€");
  }

  @Test
  void givesTheTailToTheLastTokenThatWaitedForItsCharacter() {
    TextStream stream = stream();
    next(stream, 'x');
    next(stream, 0xE2);
    next(stream, 0x82);
    stream.next(sampled(tokenizer.special(0)), 0, true, true);
    assertThat(stream.finish()).isFalse();
    assertThat(texts()).containsExactly("x", "", "\uFFFD", "<eos>");
    assertThat(stream.text()).isEqualTo("x\uFFFD");
  }

  @Test
  void showsASpecialTokenInItsEventAndNotInTheText() {
    TextStream stream = stream();
    next(stream, 'x');
    next(stream, tokenizer.special(1));
    next(stream, 'y');
    stream.finish();
    assertThat(texts()).containsExactly("x", "<tool>", "y");
    assertThat(events).extracting(e -> e.token().special()).containsExactly(false, true, false);
    assertThat(stream.text()).isEqualTo("xy");
  }

  @Test
  void findsAStopStringAroundASpecialToken() {
    TextStream stream = stream("xy");
    next(stream, 'x');
    next(stream, tokenizer.special(1));
    assertThat(texts()).isEmpty();
    assertThat(next(stream, 'y')).isTrue();
    stream.finish();
    assertThat(texts()).containsExactly("", "<tool>", "");
    assertThat(stream.text()).isEmpty();
  }

  @Test
  void endsAtASpecialTokenThatIsAStopString() {
    TextStream stream = stream("<tool>", "ab");
    next(stream, 'a');
    assertThat(next(stream, tokenizer.special(1))).isTrue();
    stream.finish();
    assertThat(texts()).containsExactly("a", "");
    assertThat(stream.text()).isEqualTo("a");
  }

  @Test
  void letsTheEndOfTextTokenEndTheTextAlthoughItIsAStopStringToo() {
    TextStream stream = stream("<eos>");
    assertThat(stream.next(sampled(tokenizer.special(0)), 0, true, true)).isFalse();
    stream.finish();
    assertThat(texts()).containsExactly("<eos>");
  }

  @Test
  void holdsTheLastTokenUntilTheEndIsKnown() {
    TextStream stream = stream();
    stream.next(sampled('x'), 0, false, true);
    assertThat(events).isEmpty();
    stream.finish();
    assertThat(events).extracting(Token::last).containsExactly(true);
  }

  @Test
  void listsTheAlternativesWithTheirTexts() {
    TextStream stream = stream();
    stream.next(
        new SampledToken(
            'x',
            -1,
            List.of(new TokenLogprob('y', -0.5f), new TokenLogprob(tokenizer.special(0), -2))),
        0,
        false,
        false);
    assertThat(events.getFirst().topTokens())
        .containsExactly(
            new TokenInfo('y', "y", -0.5f, false),
            new TokenInfo(tokenizer.special(0), "<eos>", -2, true));
  }

  /// Whatever the borders of tokens and characters: the text is the decoded text up to the first
  /// stop string, the events' texts make it up, and nothing is held back longer than it may have to
  /// be taken back.
  @Test
  void agreesWithNaiveSearchOnTheWholeTextForRandomTokens() {
    Random random = new Random(11);
    int[] ids = {
      'a',
      'b',
      'c',
      id("ab"),
      id("bc"),
      id("cab"),
      id("é"),
      0xE2,
      0x82,
      0xAC,
      260,
      261,
      0xC3,
      tokenizer.special(1)
    };
    List<String> pieces = List.of("a", "b", "c", "€", "é", "ab", "\uFFFD", "a€");
    int cut = 0;
    for (int round = 0; round < 20_000; round++) {
      List<String> stops =
          random.ints(1 + random.nextInt(3), 1, 4).mapToObj(n -> words(random, pieces, n)).toList();
      int[] tokens = random.ints(1 + random.nextInt(16), 0, ids.length).map(i -> ids[i]).toArray();
      events.clear();
      TextStream stream = stream(stops.toArray(String[]::new));
      int taken = 0;
      boolean stopped = false;
      while (taken < tokens.length && !stopped) {
        stopped = stream.next(sampled(tokens[taken]), 0, false, taken == tokens.length - 1);
        taken++;
      }
      stream.finish();

      String whole = tokenizer.decode(tokens, true);
      String expected = untilFirstStop(whole, stops);
      assertThat(stream.text()).as("%s until %s", whole, stops).isEqualTo(expected);
      assertThat(textOfEvents()).isEqualTo(expected);
      assertThat(events).hasSize(taken);
      assertThat(events).extracting(Token::index).isSorted();
      assertThat(events.getLast().last()).isTrue();
      cut += expected.length() < whole.length() ? 1 : 0;
    }
    assertThat(cut).isBetween(5_000, 19_000);
  }

  private static String untilFirstStop(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String soFar = text.substring(0, end);
      int longest = stops.stream().filter(soFar::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return soFar.substring(0, end - longest);
      }
    }
    return text;
  }

  private static String words(Random random, List<String> pieces, int n) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < n; i++) {
      word.append(pieces.get(random.nextInt(pieces.size())));
    }
    return word.toString();
  }

  private TextStream stream(String... stops) {
    return new TextStream(
        tokenizer, new TokenTexts(tokenizer), List.of(stops), (e, nanos) -> events.add(e));
  }

  private static boolean next(TextStream stream, int id) {
    return stream.next(sampled(id), 0, false, false);
  }

  private static SampledToken sampled(int id) {
    return new SampledToken(id, -0.25f, List.of());
  }

  private int id(String token) {
    return tokenizer.tokenId(token).orElseThrow();
  }

  private List<String> texts() {
    return events.stream().map(e -> e.token().text()).toList();
  }

  private String textOfEvents() {
    StringBuilder text = new StringBuilder();
    events.stream().filter(e -> !e.token().special()).forEach(e -> text.append(e.token().text()));
    return text.toString();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
