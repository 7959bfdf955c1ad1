package dev.slabstream.weights;

import java.nio.file.Files;
import java.nio.file.Path;

/// Decides by the path which reader opens it.
final class Checkpoints {
  private Checkpoints() {}

  static Checkpoint open(Path path) {
    if (Files.isDirectory(path)) {
      throw new MalformedModelException(path, "path", "a GGUF file", "a folder");
    }
    return GgufCheckpoint.open(path);
  }
}
