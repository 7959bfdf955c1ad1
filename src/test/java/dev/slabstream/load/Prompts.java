package dev.slabstream.load;

import java.util.List;
import java.util.Random;

/// Prompts of common words, about a token each, no two alike: nothing of them is cached.
final class Prompts {
  private static final List<String> WORDS =
      List.of(
          "time",
          "year",
          "people",
          "way",
          "day",
          "man",
          "thing",
          "woman",
          "life",
          "child",
          "world",
          "school",
          "state",
          "family",
          "student",
          "group",
          "country",
          "problem",
          "hand",
          "part",
          "place",
          "case",
          "week",
          "company",
          "system",
          "question",
          "work",
          "number",
          "night",
          "water",
          "room",
          "mother",
          "area",
          "money",
          "story",
          "fact",
          "month",
          "book",
          "eye");

  private final Random random;

  Prompts(long seed) {
    random = new Random(seed);
  }

  /// @param numTokens about so many
  String next(int numTokens) {
    StringBuilder text = new StringBuilder("Story ").append(random.nextInt(10, 100)).append(':');
    for (int i = 5; i < numTokens; i++) {
      text.append(' ').append(WORDS.get(random.nextInt(WORDS.size())));
    }
    return text.toString();
  }
}
