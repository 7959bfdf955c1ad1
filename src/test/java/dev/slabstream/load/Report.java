package dev.slabstream.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// What a scenario measured, as a JSON file in `target/load`, and the bounds that it broke.
final class Report {
  static final Path FOLDER = Path.of("target", "load");

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final String name;
  private final List<String> broken = new ArrayList<>();

  Report(String name) {
    this.name = name;
  }

  /// Notes a bound that does not hold: what was measured, and what the bound is.
  void bound(boolean holds, String broke) {
    if (!holds) {
      broken.add(broke);
    }
  }

  List<String> broken() {
    return List.copyOf(broken);
  }

  /// Writes and prints what was measured.
  ///
  /// @throws IllegalStateException when a bound is broken
  void end(Object measured) throws IOException {
    var all = JSON.createObjectNode();
    all.set("measured", JSON.<JsonNode>valueToTree(measured));
    all.set("broken_bounds", JSON.<JsonNode>valueToTree(broken));
    String text = JSON.writeValueAsString(all);
    Files.createDirectories(FOLDER);
    Files.writeString(FOLDER.resolve(name + ".json"), text);
    System.out.println(text);
    if (!broken.isEmpty()) {
      throw new IllegalStateException("broken bounds: " + broken);
    }
  }
}
