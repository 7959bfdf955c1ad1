package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.ChatTemplate.Piece;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/// Renders templates in tests.
final class Rendering {
  /// The moment at which `snippets.json` was made, and a Saturday.
  static final Clock CLOCK =
      Clock.fixed(LocalDateTime.of(2024, 7, 6, 5, 4, 3).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);

  private static final JsonMapper MAPPER = new JsonMapper();

  private Rendering() {}

  static String text(String template, Map<String, Object> variables) {
    return text(pieces(template, variables));
  }

  static String text(List<Piece> pieces) {
    return pieces.stream().map(Piece::text).collect(Collectors.joining());
  }

  static List<Piece> pieces(String template, Map<String, Object> variables) {
    return ChatTemplate.compile(template, CLOCK).render(variables);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> json(Path path) {
    return MAPPER.readValue(path.toFile(), Map.class);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Map<String, Object> parent, String key) {
    return (Map<String, Object>) parent.getOrDefault(key, Map.of());
  }

  @SuppressWarnings("unchecked")
  static List<Map<String, Object>> maps(Map<String, Object> parent, String key) {
    return (List<Map<String, Object>>) parent.getOrDefault(key, List.of());
  }
}
