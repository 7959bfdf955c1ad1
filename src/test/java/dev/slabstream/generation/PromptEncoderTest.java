package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class PromptEncoderTest {
  private static final ServedModel MODEL = new ServedModel(20, 1000, 300, new int[0]);

  private final ByteTokenizer tokenizer = ByteTokenizer.withSpecials("<s>", "<user>");
  private final ByteTokenizer withBos =
      new ByteTokenizer(List.of(), List.of("<s>", "<user>"), OptionalInt.of(0));

  @Test
  void takesTheRestOfTheContextUpToTheDefaultWhenMaxNewTokensIsAbsent() {
    assertThat(encode(tokenizer, "hello", p -> p).maxNewTokens()).isEqualTo(15);
    PromptEncoder roomy = encoder(tokenizer, new ServedModel(1000, 1000, 300, new int[0]));
    assertThat(roomy.encode("hello", valid(p -> p)).maxNewTokens()).isEqualTo(100);
  }

  @Test
  void acceptsExactlyWhatFitsAndRefusesOneMoreWithBothNumbers() {
    assertThat(encode(tokenizer, "hello", p -> p.maxNewTokens(15)).maxNewTokens()).isEqualTo(15);
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(tokenizer, "hello", p -> p.maxNewTokens(16)))
        .withMessage(
            "`inputs` tokens + `max_new_tokens` must be at most 20, the size of the model's"
                + " context; got 5 + 16")
        .satisfies(e -> assertRefusal(e, "max_new_tokens", 20, 21L));
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(tokenizer, "!".repeat(20), p -> p.maxNewTokens(1)))
        .satisfies(e -> assertRefusal(e, "inputs", 20, 21L));
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(tokenizer, "hello", p -> p.maxNewTokens(Integer.MAX_VALUE)))
        .satisfies(e -> assertRefusal(e, "max_new_tokens", 20, 5L + Integer.MAX_VALUE));
  }

  @Test
  void refusesAPromptThatFillsTheContextWhenMaxNewTokensIsAbsent() {
    assertThat(encode(tokenizer, "!".repeat(19), p -> p).maxNewTokens()).isEqualTo(1);
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(tokenizer, "!".repeat(20), p -> p))
        .withMessage(
            "`inputs` must have fewer than 20 tokens, the size of the model's context; it has 20")
        .satisfies(e -> assertRefusal(e, "inputs", 19, 20));
  }

  @Test
  void namesTheSlabWhenItIsTheSmallerOne() {
    PromptEncoder encoder = encoder(tokenizer, new ServedModel(20, 10, 300, new int[0]));
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encoder.encode("hello", valid(p -> p.maxNewTokens(6))))
        .withMessageContaining("at most 10, the size of the KV slab; got 5 + 6");
  }

  @Test
  void keepsTheLastTokensWhenAskedToTruncate() {
    ValidRequest request = encode(tokenizer, "x".repeat(50) + "abc", p -> p.truncate(4));
    assertThat(request.promptIds()).containsExactly('x', 'a', 'b', 'c');
    assertThat(encode(tokenizer, "abc", p -> p.truncate(4)).promptIds()).hasSize(3);
  }

  @Test
  void refusesWhatIsTooLongEvenTruncated() {
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(tokenizer, "x".repeat(50), p -> p.truncate(20)))
        .satisfies(e -> assertRefusal(e, "inputs", 19, 20));
  }

  @Test
  void beginsWithTheBosTokenOfTheModelOnceAndKeepsItInFrontOfATruncatedPrompt() {
    int bos = withBos.special(0);
    assertThat(encode(withBos, "abc", p -> p).promptIds()).containsExactly(bos, 'a', 'b', 'c');
    assertThat(encode(withBos, "<s>abc", p -> p).promptIds()).containsExactly(bos, 'a', 'b', 'c');
    assertThat(encode(withBos, "abc", p -> p.truncate(3)).promptIds())
        .containsExactly(bos, 'b', 'c');
    assertThat(encode(withBos, "abc", p -> p.truncate(1)).promptIds()).containsExactly('c');
  }

  @Test
  void recognisesSpecialTokensInInputsUnlessToldNotTo() {
    assertThat(encode(tokenizer, "<user>", p -> p).promptIds())
        .containsExactly(tokenizer.special(1));
    GenerationSettings asText = settingsWithSpecialTokens(false);
    PromptEncoder encoder = new PromptEncoder(tokenizer, new TokenTexts(tokenizer), MODEL, asText);
    assertThat(encoder.encode("<user>", valid(p -> p)).promptIds()).hasSize(6);
  }

  @Test
  void refusesATextWithoutAnyToken() {
    Tokenizer empty = new Emptied(tokenizer);
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encode(empty, "\u0004", p -> p))
        .satisfies(e -> assertRefusal(e, "inputs", "at least 1 token", 0));
  }

  @Test
  void listsThePromptsTokensOnlyWhenTheyAreToBeReported() {
    assertThat(encode(tokenizer, "a<user>b", p -> p).promptTexts()).isEmpty();
    assertThat(encode(tokenizer, "a<user>b", p -> p.decoderInputDetails(true)).promptTexts())
        .containsExactly("a", "<user>", "b");
  }

  @Test
  void returnsTheWholePromptInFullTextAlsoWhenItWasTruncated() {
    assertThat(encode(tokenizer, "abc", p -> p.returnFullText(true).truncate(1)).prefix())
        .isEqualTo("abc");
    assertThat(encode(tokenizer, "abc", p -> p).prefix()).isEmpty();
  }

  @Test
  void refusesALongTextWithoutTokenizingIt() {
    Tokenizer untouched =
        new Emptied(tokenizer) {
          @Override
          public int[] encode(String text, SpecialTokens specialTokens) {
            throw new AssertionError("was tokenized");
          }
        };
    // The longest run of letters in one token of this vocabulary is that of <user>.
    PromptEncoder encoder = encoder(untouched, MODEL);
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encoder.estimate("x".repeat(4 * 20), valid(p -> p)))
        .withMessageContaining("it has at least 20");
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encoder.estimate("x".repeat(4 * 19), valid(p -> p.maxNewTokens(2))))
        .withMessageContaining("got at least 19 + 2");
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encoder.estimate("?", valid(p -> p.maxNewTokens(20))))
        .withMessageContaining("got at least 1 + 20");
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> encoder.estimate("x", valid(p -> p.truncate(5).maxNewTokens(20))))
        .withMessageContaining("got at least 1 + 20");
    assertThat(encoder.estimate("x".repeat(4 * 19), valid(p -> p))).isEqualTo(19);
    assertThat(encoder.estimate("x".repeat(4 * 20), valid(p -> p.truncate(5))))
        .as("what is cut off is tokenized before")
        .isEqualTo(20);
    assertThat(encoder.estimate("?".repeat(1000), valid(p -> p))).isEqualTo(250);
  }

  @Test
  void estimatesByWhatItHasTokenized() {
    PromptEncoder encoder = encoder(tokenizer, new ServedModel(5000, 5000, 300, new int[0]));
    assertThat(encoder.estimate("????", valid(p -> p))).isEqualTo(1);
    assertThat(encoder.estimate("?".repeat(41), valid(p -> p))).isEqualTo(11);
    for (int i = 0; i < 1000; i++) {
      encoder.encode("?".repeat(1000), valid(p -> p));
    }
    // Here a character is a token, and the guess at the start has faded.
    assertThat(encoder.estimate("?".repeat(1000), valid(p -> p))).isEqualTo(1000);
  }

  @Test
  void judgesNoTextByItsLengthWhenSomeLetterHasNoTokenOfItsOwn() {
    Tokenizer lacking =
        new Emptied(tokenizer) {
          @Override
          public byte[] tokenBytes(int id) {
            return id == 'q' ? "qu".getBytes(StandardCharsets.UTF_8) : super.tokenBytes(id);
          }
        };
    assertThat(TokenCountFloor.of(tokenizer).tokensAtLeast("x".repeat(80))).isEqualTo(20);
    assertThat(TokenCountFloor.of(lacking).tokensAtLeast("x".repeat(80))).isZero();
  }

  private static void assertRefusal(
      GenerationException e, String field, Object limit, Object actual) {
    assertThat(e.type()).isEqualTo(ErrorType.VALIDATION);
    assertThat(e.field()).isEqualTo(field);
    assertThat(e.limit()).isEqualTo(limit);
    assertThat(e.actual()).isEqualTo(actual);
  }

  private static ValidRequest encode(
      Tokenizer tokenizer, String inputs, ParametersBuilder.Change change) {
    return encoder(tokenizer, MODEL).encode(inputs, valid(change));
  }

  private static PromptEncoder encoder(Tokenizer tokenizer, ServedModel model) {
    return new PromptEncoder(
        tokenizer, new TokenTexts(tokenizer), model, GenerationSettings.DEFAULTS);
  }

  private static ValidParameters valid(ParametersBuilder.Change change) {
    return new ParameterValidator(GenerationSettings.DEFAULTS, 300, () -> 1)
        .validate(ParametersBuilder.parameters(change));
  }

  private static GenerationSettings settingsWithSpecialTokens(boolean recognised) {
    GenerationSettings d = GenerationSettings.DEFAULTS;
    return new GenerationSettings(
        d.defaultMaxNewTokens(),
        d.maxStopSequences(),
        d.maxStopLength(),
        d.maxStopTokenIds(),
        d.maxLogitBias(),
        d.maxTopNTokens(),
        recognised,
        d.maxConcurrentRequests(),
        d.tokenizerThreads(),
        d.maxQueueTime(),
        d.requestTimeout(),
        d.maxSessions(),
        d.sessionIdleTimeout(),
        d.streamBuffer(),
        d.slowClientTimeout(),
        d.prefixCacheScope());
  }

  /// A tokenizer that finds no token in any text.
  private static class Emptied extends DelegatingTokenizer {
    Emptied(Tokenizer tokenizer) {
      super(tokenizer);
    }

    @Override
    public int[] encode(String text, SpecialTokens specialTokens) {
      return new int[0];
    }
  }
}
