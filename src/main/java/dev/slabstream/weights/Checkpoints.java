package dev.slabstream.weights;

import java.nio.file.Files;
import java.nio.file.Path;

/// Decides by the path which reader opens it.
final class Checkpoints {
  private Checkpoints() {}

  static Checkpoint open(Path path) {
    return Files.isDirectory(path) ? HuggingFaceCheckpoint.open(path) : GgufCheckpoint.open(path);
  }
}
