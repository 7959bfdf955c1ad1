package dev.slabstream.observability;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
}
