package dev.slabstream.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A Hugging Face folder with another `config.json` or other tensors: what a test of the model
/// needs, and no more.
final class FolderEdit {
  private final ObjectNode config;
  private ObjectNode header;
  private byte[] tensors;

  FolderEdit(Path folder) {
    config = (ObjectNode) JsonMapper.shared().readTree(folder.resolve("config.json").toFile());
    try {
      byte[] file = Files.readAllBytes(folder.resolve("model.safetensors"));
      int headerEnd =
          Long.BYTES + (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
      header =
          (ObjectNode)
              JsonMapper.shared()
                  .readTree(
                      new String(file, Long.BYTES, headerEnd - Long.BYTES, StandardCharsets.UTF_8));
      tensors = Arrays.copyOfRange(file, headerEnd, file.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// @param json the value, as JSON: `"linear"` has its quotes
  FolderEdit set(String key, String json) {
    config.set(key, JsonMapper.shared().readTree(json));
    return this;
  }

  /// As above, for a key of the object `outer`.
  FolderEdit setIn(String outer, String key, String json) {
    config.withObject("/" + outer).set(key, JsonMapper.shared().readTree(json));
    return this;
  }

  FolderEdit remove(String key) {
    config.remove(key);
    return this;
  }

  FolderEdit rename(UnaryOperator<String> names) {
    ObjectNode renamed = JsonMapper.shared().createObjectNode();
    header.forEachEntry((name, info) -> renamed.set(names.apply(name), info));
    header = renamed;
    return this;
  }

  /// Adds a vector in 32-bit floats.
  FolderEdit add(String name, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    int begin = tensors.length;
    tensors = Arrays.copyOf(tensors, begin + bytes.capacity());
    System.arraycopy(bytes.array(), 0, tensors, begin, bytes.capacity());
    ObjectNode info = header.putObject(name).put("dtype", "F32");
    info.putArray("shape").add(values.length);
    info.putArray("data_offsets").add(begin).add(tensors.length);
    return this;
  }

  Path write(Path folder) {
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + json.length + tensors.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(tensors);
    try {
      Files.createDirectories(folder);
      Files.write(folder.resolve("model.safetensors"), file.array());
      Files.writeString(folder.resolve("config.json"), config.toString());
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
