package dev.slabstream.weights;

import java.nio.file.Path;

/// The reference data in the repository.
final class Reference {
  private static final Path ROOT = Path.of("src/test/resources/reference");

  private Reference() {}

  static Path path(String name) {
    return ROOT.resolve(name);
  }
}
