package dev.slabstream.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Reads small files of a model's folder, by name, up to a limit. A name is a name: it cannot lead
/// out of the folder.
final class ModelFolder {
  private final Path path;

  ModelFolder(Path path) {
    this.path = path;
  }

  Path path() {
    return path;
  }

  /// Whether `name` names a file in a folder, and nothing else.
  static boolean isFileName(String name) {
    return !name.isEmpty()
        && !name.equals(".")
        && !name.equals("..")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c == 0);
  }

  Path file(String name) {
    if (!isFileName(name)) {
      throw new IllegalArgumentException("fileName must be a plain file name; got " + name);
    }
    return path.resolve(name);
  }

  boolean has(String name) {
    return Files.exists(file(name));
  }

  /// Empty when there is no such file.
  ///
  /// @throws MalformedModelException when it has more than `maxBytes`, or cannot be read
  Optional<byte[]> bytes(String name, int maxBytes) {
    Path file = file(name);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    if (!Files.isRegularFile(file)) {
      throw new MalformedModelException(file, "file", "a regular file", "something else");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw new MalformedModelException(file, "file", "at most " + maxBytes + " bytes", "more");
      }
      return Optional.of(bytes);
    } catch (IOException e) {
      throw ModelFile.unreadable(file, e);
    }
  }

  Optional<Metadata> json(String name, int maxBytes) {
    return bytes(name, maxBytes).map(bytes -> new JsonMetadata(file(name), bytes));
  }
}
