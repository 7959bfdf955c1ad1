package dev.slabstream.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/// `model.safetensors.index.json`: which shard holds which tensor.
final class SafetensorsIndex {
  static final String FILE_NAME = "model.safetensors.index.json";

  private static final int MAX_BYTES = 64 << 20;
  private static final String WEIGHT_MAP = "weight_map";

  private final Path path;
  private final Map<String, String> shardByTensor;

  private SafetensorsIndex(Path path, Map<String, String> shardByTensor) {
    this.path = path;
    this.shardByTensor = shardByTensor;
  }

  /// @throws MalformedModelException when there is none, or it names a shard that is not there
  static SafetensorsIndex read(ModelFolder folder) {
    Path path = folder.file(FILE_NAME);
    JsonMetadata json =
        new JsonMetadata(
            path,
            folder
                .bytes(FILE_NAME, MAX_BYTES)
                .orElseThrow(
                    () ->
                        new MalformedModelException(
                            folder.path(),
                            "folder",
                            "model.safetensors or " + FILE_NAME,
                            "neither")));
    Map<String, String> shardByTensor = new LinkedHashMap<>();
    if (!(json.value(WEIGHT_MAP) instanceof Map<?, ?> weightMap)) {
      throw json.unexpected(WEIGHT_MAP, "an object of tensor names and their files");
    }
    weightMap.forEach(
        (tensor, shard) -> shardByTensor.put((String) tensor, shardName(path, tensor, shard)));
    SafetensorsIndex index = new SafetensorsIndex(path, shardByTensor);
    for (String shard : index.shards()) {
      if (!Files.isRegularFile(folder.file(shard))) {
        throw new MalformedModelException(
            path, "key " + WEIGHT_MAP, "a file " + shard + " beside it", "nothing there");
      }
    }
    return index;
  }

  private static String shardName(Path path, Object tensor, Object shard) {
    if (shard instanceof String name && ModelFolder.isFileName(name)) {
      return name;
    }
    throw new MalformedModelException(
        path,
        "key " + WEIGHT_MAP + ", tensor " + tensor,
        "a plain file name",
        String.valueOf(shard));
  }

  /// In the order of their first tensor.
  Set<String> shards() {
    return new LinkedHashSet<>(shardByTensor.values());
  }

  /// @throws MalformedModelException when the tensors found in a shard are not the ones that the
  ///   index says
  void requireAgrees(String shard, Set<String> found) {
    for (String tensor : found) {
      String indexed = shardByTensor.get(tensor);
      if (!shard.equals(indexed)) {
        throw disagreement(
            tensor, "in " + shard, indexed == null ? "no entry" : "an entry for " + indexed);
      }
    }
    shardByTensor.forEach(
        (tensor, indexed) -> {
          if (indexed.equals(shard) && !found.contains(tensor)) {
            throw disagreement(tensor, "in " + shard, "no such tensor in that file");
          }
        });
  }

  private MalformedModelException disagreement(String tensor, String expected, String found) {
    return new MalformedModelException(
        path, "key " + WEIGHT_MAP + ", tensor " + tensor, expected, found);
  }
}
