package dev.slabstream.weights;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// An open Hugging Face folder: `config.json` and `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names.
///
/// Not every tensor in such files is a weight: old checkpoints carry causal masks (`attn.bias`,
/// `attn.masked_bias`) and rotary tables (`rotary_emb.inv_freq`). Those, and what is neither a
/// matrix nor a vector of F32, F16 or BF16, are checked and left out of [#tensors()].
///
/// Owns the arena of the mappings; any thread may read.
final class HuggingFaceCheckpoint implements Checkpoint {
  private static final String SINGLE_FILE = "model.safetensors";
  private static final int MAX_JSON_BYTES = 16 << 20;
  private static final int MAX_SIBLING_BYTES = 256 << 20;
  private static final List<String> BUFFERS =
      List.of(".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq");

  private final ModelFolder folder;
  private final Arena arena;
  private final Metadata config;
  private final TensorTable tensors;

  private HuggingFaceCheckpoint(ModelFolder folder, Arena arena) {
    this.folder = folder;
    this.arena = arena;
    this.config =
        folder
            .json("config.json", MAX_JSON_BYTES)
            .orElseThrow(
                () ->
                    new MalformedModelException(folder.path(), "folder", "a config.json", "none"));
    this.tensors = readTensors(folder, arena);
  }

  @SuppressWarnings("MustBeClosedChecker") // the checkpoint closes it
  static HuggingFaceCheckpoint open(Path path) {
    Arena arena = Arena.ofShared();
    try {
      return new HuggingFaceCheckpoint(new ModelFolder(path), arena);
    } catch (Throwable failure) {
      arena.close();
      throw failure;
    }
  }

  private static TensorTable readTensors(ModelFolder folder, Arena arena) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, String> leftOut = new LinkedHashMap<>();
    // The order in which transformers looks.
    if (folder.has(SINGLE_FILE)) {
      sort(readFile(folder, SINGLE_FILE, arena), tensors, leftOut);
    } else {
      SafetensorsIndex index = SafetensorsIndex.read(folder);
      for (String shard : index.shards()) {
        List<SafetensorsReader.Entry> entries = readFile(folder, shard, arena);
        Set<String> names =
            entries.stream().map(SafetensorsReader.Entry::name).collect(Collectors.toSet());
        index.requireAgrees(shard, names);
        sort(entries, tensors, leftOut);
      }
    }
    return new TensorTable(folder.path(), tensors, leftOut);
  }

  private static List<SafetensorsReader.Entry> readFile(
      ModelFolder folder, String name, Arena arena) {
    return SafetensorsReader.read(ModelFile.map(folder.file(name), arena));
  }

  private static void sort(
      List<SafetensorsReader.Entry> entries,
      Map<String, Tensor> tensors,
      Map<String, String> leftOut) {
    for (SafetensorsReader.Entry entry : entries) {
      ElementType type = entry.type().elementType();
      List<Long> shape = entry.shape();
      boolean isMatrixOrVector = shape.size() == 1 || shape.size() == 2;
      if (type == null
          || !isMatrixOrVector
          || shape.contains(0L)
          || BUFFERS.stream().anyMatch(entry.name()::endsWith)) {
        leftOut.put(entry.name(), entry.type() + " " + shape);
      } else {
        long rows = shape.size() == 1 ? 1 : shape.getFirst();
        tensors.put(
            entry.name(), new Tensor(entry.name(), type, rows, shape.getLast(), entry.data()));
      }
    }
  }

  @Override
  public Path path() {
    return folder.path();
  }

  @Override
  public Format format() {
    return Format.HUGGING_FACE;
  }

  @Override
  public Metadata metadata() {
    return config;
  }

  @Override
  public Optional<Metadata> sibling(String fileName) {
    return folder.json(fileName, MAX_JSON_BYTES);
  }

  @Override
  public Optional<byte[]> siblingBytes(String fileName) {
    return folder.bytes(fileName, MAX_SIBLING_BYTES);
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
