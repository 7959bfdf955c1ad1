package dev.slabstream.generation;

import dev.slabstream.generation.StormClient.Numbered;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Random requests, the same for the same seed and model: prompts of any length, some of which
/// begin as others do, and parameters of every kind. Each names its seed if it samples.
///
/// Every third client has a session with defaults of its own and takes several turns in it, each of
/// whose prompts begins with the whole of the one before.
final class StormRequests {
  private static final List<String> WORDS =
      List.of(
          " the",
          " a",
          " slab",
          " of",
          " memory",
          " token",
          " by",
          " token",
          " is",
          " was",
          " and",
          ",",
          ".",
          "\n",
          " 12",
          " 7",
          " größer",
          " 日本",
          " 🙂",
          " e\u0301",
          " def",
          "(",
          ")",
          "  ");

  private static final List<String> STOPS =
      List.of(
          "e", " a", "on", "t", "\n", "0", "x", "qu", "ing", " the end of the story", "é", "🙂");

  private final SplittableRandom random;
  private final ServedModel model;
  private final List<String> families = new ArrayList<>();
  private int numRequests;

  private StormRequests(long seed, ServedModel model) {
    random = new SplittableRandom(seed);
    this.model = model;
    for (int i = 0; i < 3; i++) {
      families.add("You are number " + i + "." + words(12 + 10 * i));
    }
  }

  static List<StormClient> of(long seed, int numRequests, ServedModel model) {
    StormRequests made = new StormRequests(seed, model);
    List<StormClient> clients = new ArrayList<>();
    while (made.numRequests < numRequests) {
      clients.add(made.client(numRequests - made.numRequests));
    }
    return clients;
  }

  private StormClient client(int atMost) {
    if (random.nextInt(3) > 0) {
      return new StormClient(null, List.of(numbered(prompt())));
    }
    GenerateParameters defaults = random.nextInt(3) == 0 ? GenerateParameters.NONE : parameters();
    List<Numbered> turns = new ArrayList<>();
    String inputs = prompt();
    for (int turn = random.nextInt(1, 5); turn > 0 && turns.size() < atMost; turn--) {
      turns.add(numbered(inputs));
      inputs += words(random.nextInt(1, 12));
    }
    return new StormClient(defaults, turns);
  }

  private Numbered numbered(String inputs) {
    return new Numbered(numRequests++, new GenerateRequest(inputs, parameters()));
  }

  private String prompt() {
    String begin = random.nextInt(3) == 0 ? "" : families.get(random.nextInt(families.size()));
    return begin + "Tell me" + words(random.nextInt(random.nextInt(5) == 0 ? 40 : 15));
  }

  private String words(int count) {
    return Stream.generate(() -> pick(WORDS)).limit(count).collect(Collectors.joining());
  }

  private GenerateParameters parameters() {
    return ParametersBuilder.parameters(
        p -> {
          p.maxNewTokens(random.nextInt(1, oneIn(8) ? 60 : 25));
          if (oneIn(3)) {
            p.temperature(0.0);
          } else {
            sampled(p);
          }
          sometimes(4, () -> p.repetitionPenalty(0.8 + random.nextDouble()));
          sometimes(4, () -> p.frequencyPenalty(random.nextDouble(-1, 1)));
          sometimes(4, () -> p.presencePenalty(random.nextDouble(-1, 1)));
          ends(p);
          sometimes(3, () -> p.topNTokens(random.nextInt(1, 6)));
          sometimes(8, () -> p.decoderInputDetails(true));
          sometimes(12, () -> p.truncate(random.nextInt(1, 60)));
          sometimes(10, () -> p.returnFullText(true));
          return p;
        });
  }

  private void sampled(ParametersBuilder p) {
    p.doSample(true);
    p.seed(random.nextLong(Long.MAX_VALUE));
    p.temperature(random.nextDouble(0.3, 1.8));
    sometimes(3, () -> p.topK(random.nextInt(1, 80)));
    sometimes(3, () -> p.topP(random.nextDouble(0.5, 1)));
    sometimes(4, () -> p.minP(random.nextDouble(0.1)));
    sometimes(4, () -> p.typicalP(random.nextDouble(0.5, 1)));
  }

  /// Stop strings and ids, the end of the text, and what makes some ids likely.
  private void ends(ParametersBuilder p) {
    sometimes(
        4, () -> p.stop(Stream.generate(() -> pick(STOPS)).limit(random.nextInt(1, 5)).toList()));
    sometimes(5, () -> p.stopTokenIds(ids(random.nextInt(1, 17))));
    sometimes(4, () -> p.ignoreEos(true));
    sometimes(4, () -> p.logitBias(bias()));
  }

  private Map<String, Double> bias() {
    Map<String, Double> bias = new HashMap<>();
    for (int id : ids(random.nextInt(1, 10))) {
      bias.put(String.valueOf(id), random.nextDouble(-4, 4));
    }
    for (int id : model.eosIds()) {
      bias.put(String.valueOf(id), random.nextDouble(2, 8));
    }
    return bias;
  }

  private List<Integer> ids(int count) {
    return random.ints(count, 0, model.vocabSize()).boxed().toList();
  }

  private void sometimes(int oneIn, Runnable change) {
    if (oneIn(oneIn)) {
      change.run();
    }
  }

  private <T> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }
}
