package dev.slabstream.weights;

import java.nio.file.Path;

/// Decides by the path which reader opens it.
final class Checkpoints {
  private Checkpoints() {}

  static Checkpoint open(Path path) {
    throw new MalformedModelException(path, "path", "a GGUF file or a Hugging Face folder", "nothing that reads one yet");
  }
}
