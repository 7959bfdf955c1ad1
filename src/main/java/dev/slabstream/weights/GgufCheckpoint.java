package dev.slabstream.weights;

import dev.slabstream.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// An open GGUF file. Owns the arena of its mapping; any thread may read.
final class GgufCheckpoint implements Checkpoint {
  private final Path path;
  private final Arena arena;
  private final GgufMetadata metadata;
  private final TensorTable tensors;

  private GgufCheckpoint(Path path, Arena arena, GgufReader.Contents contents) {
    this.path = path;
    this.arena = arena;
    this.metadata = contents.metadata();
    this.tensors = new TensorTable(path, contents.tensors(), Map.of());
  }

  @SuppressWarnings("MustBeClosedChecker") // the checkpoint closes it
  static GgufCheckpoint open(Path path) {
    Arena arena = Arena.ofShared();
    try {
      return new GgufCheckpoint(path, arena, GgufReader.read(ModelFile.map(path, arena)));
    } catch (Throwable failure) {
      arena.close();
      throw failure;
    }
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Format format() {
    return Format.GGUF;
  }

  @Override
  public Metadata metadata() {
    return metadata;
  }

  @Override
  public Optional<Metadata> sibling(String fileName) {
    return Optional.empty();
  }

  @Override
  public Optional<byte[]> siblingBytes(String fileName) {
    return Optional.empty();
  }

  @Override
  public Map<String, Tensor> tensors() {
    return tensors.asMap();
  }

  @Override
  public Tensor require(String name, long rows, long cols) {
    return tensors.require(name, rows, cols);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
