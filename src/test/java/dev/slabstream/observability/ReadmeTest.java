package dev.slabstream.observability;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.generation.ErrorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The README's tables say what is there.
final class ReadmeTest {
  private static String readme() throws IOException {
    return Files.readString(Path.of("README.md"));
  }

  @Test
  void tableOfMetricsIsTheCatalogue() throws IOException {
    List<String> rows = readme().lines().filter(line -> line.startsWith("| `slabstream_")).toList();
    assertThat(rows)
        .containsExactlyElementsOf(Arrays.stream(Meter.values()).map(ReadmeTest::row).toList());
  }

  private static String row(Meter meter) {
    String kind =
        switch (meter.kind()) {
          case COUNTER -> "counter";
          case GAUGE -> "gauge";
          case TIMER, SUMMARY -> "histogram";
        };
    String tags =
        meter.tagNames().isEmpty()
            ? ""
            : meter.tagNames().stream().collect(Collectors.joining("`, `", " (`", "`)"));
    return "| `%s` | %s | %s%s |".formatted(meter.exportedName(), kind, meter.description(), tags);
  }

  @Test
  void everySettingIsInTheTable() throws IOException {
    String settings =
        readme()
            .lines()
            .filter(line -> line.startsWith("| `slabstream."))
            .collect(Collectors.joining());
    JsonNode metadata =
        JsonMapper.builder()
            .build()
            .readTree(
                Path.of("target/classes/META-INF/spring-configuration-metadata.json").toFile());
    assertThat(metadata.path("properties").size()).isGreaterThan(15);
    for (JsonNode property : metadata.path("properties")) {
      String name = property.path("name").stringValue();
      String last = name.substring(name.lastIndexOf('.') + 1);
      assertThat(settings).as(name).containsAnyOf("`" + name + "`", "`" + last + "`");
    }
  }

  @Test
  void tableOfErrorsHasEveryTypeWithItsStatus() throws IOException {
    Map<String, String> statusesByType = new HashMap<>();
    Pattern row = Pattern.compile("\\| ([0-9, ]+) \\| (`[a-z_`, ]+) \\| .*");
    for (Matcher line : readme().lines().map(row::matcher).filter(Matcher::matches).toList()) {
      for (String type : line.group(2).split(", ", -1)) {
        assertThat(statusesByType.put(type.replace("`", ""), line.group(1))).as(type).isNull();
      }
    }
    assertThat(statusesByType.keySet())
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(ErrorType.values())
                .filter(type -> type != ErrorType.SLOW_CLIENT) // never sent
                .map(ErrorType::label)
                .toList());
    for (ErrorType type : ErrorType.values()) {
      if (type != ErrorType.SLOW_CLIENT) {
        assertThat(statusesByType.get(type.label()))
            .as(type.label())
            .contains(Integer.toString(type.status()));
      }
    }
  }
}
