package dev.slabstream.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Results as JSON, for scripts: names in snake case, what is null left out.
final class JsonOutput {
  private static final JsonMapper PRETTY =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .changeDefaultPropertyInclusion(
              all -> all.withValueInclusion(JsonInclude.Include.NON_NULL))
          .build();
  private static final JsonMapper COMPACT = JsonMapper.builder().build();

  private JsonOutput() {}

  static void print(Console console, Object value) {
    console.out().println(PRETTY.writeValueAsString(value));
  }

  /// On one line; also how a text is quoted in a listing.
  static String compact(Object value) {
    return COMPACT.writeValueAsString(value);
  }
}
