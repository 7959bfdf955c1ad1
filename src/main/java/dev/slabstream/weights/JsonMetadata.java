package dev.slabstream.weights;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A JSON file as metadata; a key with dots goes down into objects, unless there is one of just
/// that name.
final class JsonMetadata extends TypedMetadata {
  private final Map<String, @Nullable Object> root;

  JsonMetadata(Path path, byte[] json) {
    super(path);
    this.root = new JsonText(path, 0, json).tree();
  }

  @Override
  public Map<String, Object> entries() {
    Map<String, Object> present = new LinkedHashMap<>();
    root.forEach(
        (name, value) -> {
          if (value != null) {
            present.put(name, value);
          }
        });
    return Collections.unmodifiableMap(present);
  }

  @Override
  @Nullable Object value(String key) {
    if (root.containsKey(key)) {
      return root.get(key);
    }
    Object node = root;
    for (String name : key.split("\\.", -1)) {
      if (!(node instanceof Map<?, ?> members)) {
        return null;
      }
      node = members.get(name);
    }
    return node;
  }

  @Override
  String place(String key) {
    return "key " + key;
  }
}
