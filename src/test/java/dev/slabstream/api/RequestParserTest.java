package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerationException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RequestParserTest {
  private static final String EVERYTHING =
      """
      {"inputs":"hi","stream":true,"add_special_tokens":true,"parameters":{
      "max_new_tokens":1,"do_sample":true,"temperature":0.5,"top_k":2,"top_p":0.9,"min_p":0.1,"typical_p":0.8,
      "repetition_penalty":1.1,"frequency_penalty":-1,"presence_penalty":1e-1,"logit_bias":{"7":-2.5},
      "seed":9223372036854775807,"stop":["a","b"],"stop_token_ids":[3,4],"ignore_eos":false,"details":true,
      "decoder_input_details":false,"top_n_tokens":5,"truncate":6,"return_full_text":true}}""";

  private final RequestParser parser = new RequestParser(UnknownParameters.REFUSE);

  @Test
  void everyParameterArrivesWhereItBelongs() {
    RequestParser.Call call = parser.generate(EVERYTHING.getBytes(StandardCharsets.UTF_8));
    assertThat(call.stream()).isTrue();
    assertThat(call.request().inputs()).isEqualTo("hi");
    assertThat(call.request().parameters())
        .isEqualTo(
            new GenerateParameters(
                1,
                true,
                0.5,
                2,
                0.9,
                0.1,
                0.8,
                1.1,
                -1.0,
                0.1,
                Map.of("7", -2.5),
                Long.MAX_VALUE,
                List.of("a", "b"),
                List.of(3, 4),
                false,
                true,
                false,
                5,
                6,
                true));
  }

  @Test
  void theTableOfParametersIsTheRecord() {
    List<String> components =
        java.util.Arrays.stream(GenerateParameters.class.getRecordComponents())
            .map(c -> c.getName().replaceAll("([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT))
            .toList();
    assertThat(Parameter.fieldNames()).containsExactlyElementsOf(components);
  }

  @Test
  void brokenBodiesAreRefusedAndNothingElseHappens() {
    byte[] whole = EVERYTHING.getBytes(StandardCharsets.UTF_8);
    Random random = new Random(42);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] broken = whole.clone();
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
      }
      byte[] cut = java.util.Arrays.copyOf(broken, 1 + random.nextInt(broken.length));
      try {
        parser.generate(random.nextBoolean() ? broken : cut);
      } catch (GenerationException e) {
        refused++;
        assertThat(e.type().status()).isIn(400, 422);
        assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(400);
      }
    }
    assertThat(refused).isBetween(10_000, 20_000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"inputs\":\"a\"} {}",
        "{\"inputs\":",
        "{\"inputs\":[1,",
        "not JSON",
        "{\"inputs\":\"a\",\"inputs\":\"b\"}",
        "{\"inputs\":\"a\u0001\"}",
        "{'inputs':1}",
        "NaN"
      })
  void whatIsNoJsonIsToldWithoutNamesOfTheParser(String body) {
    assertNoInnerNames(body);
  }

  @Test
  void limitsOfTheParserAreToldWithoutItsNames() {
    assertNoInnerNames("[".repeat(100));
    assertNoInnerNames("{\"inputs\":" + "1".repeat(2000) + "}");
    assertNoInnerNames("{\"" + "a".repeat(100_000) + "\":1}");
    assertNoInnerNames("{\"inputs\":[" + "1,".repeat(1_000_001) + "1]}");
  }

  private void assertNoInnerNames(String body) {
    assertThatExceptionOfType(GenerationException.class)
        .isThrownBy(() -> parser.generate(body.getBytes(StandardCharsets.UTF_8)))
        .satisfies(
            e ->
                assertThat(e.getMessage())
                    .startsWith("the body is not valid JSON")
                    .doesNotContain("jackson", "StreamRead", "Feature", "REDACTED", "`"));
  }

  @Test
  void nearestNameIsNearEnoughOrNone() {
    List<String> known = Parameter.fieldNames();
    assertThat(NearestName.of("temp", known)).isEmpty();
    assertThat(NearestName.of("topk", known)).hasValue("top_k");
    assertThat(NearestName.of("Top-P", known)).hasValue("top_p");
    assertThat(NearestName.of("repetitionPenalty", known)).hasValue("repetition_penalty");
    assertThat(NearestName.of("x".repeat(1_000_000), known)).isEmpty();
  }

  @Test
  void loneSurrogatesAreReplacedAndPairsAreKept() {
    assertThat(WellFormed.text("a🙂b")).isEqualTo("a🙂b");
    assertThat(WellFormed.text("\ud83d")).isEqualTo("\uFFFD");
    assertThat(WellFormed.text("a\ude42🙂\ud83db")).isEqualTo("a\uFFFD🙂\uFFFDb");
  }
}
