package dev.slabstream.weights;

import dev.slabstream.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The tensors of a checkpoint by name, and the messages for those that are not there.
final class TensorTable {
  private static final int MAX_SIMILAR = 3;

  private final Path path;
  private final Map<String, Tensor> tensors;
  private final Map<String, String> leftOut;

  /// @param leftOut tensors that are in the file and not in the table: name, and type and shape
  TensorTable(Path path, Map<String, Tensor> tensors, Map<String, String> leftOut) {
    this.path = path;
    this.leftOut = Map.copyOf(leftOut);
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  Map<String, Tensor> asMap() {
    return tensors;
  }

  Tensor require(String name, long rows, long cols) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new MalformedModelException(
          path, "tensor " + name, "it to be there", describeMissing(name));
    }
    if (tensor.rows() != rows || tensor.cols() != cols) {
      throw new MalformedModelException(
          path,
          "tensor " + name,
          "shape [" + rows + ", " + cols + "]",
          "[" + tensor.rows() + ", " + tensor.cols() + "]");
    }
    return tensor;
  }

  /// Names that end like the missing one, as `transformer.wte.weight` for `wte.weight` does, or
  /// differ in the layer only.
  private String describeMissing(String name) {
    String unread = leftOut.get(name);
    if (unread != null) {
      return unread + ", which is not read as a weight";
    }
    String tail = name.replaceFirst("^.*\\.(?=[^.]+\\.[^.]+$)", "");
    List<String> similar =
        tensors.keySet().stream().filter(other -> other.endsWith(tail)).limit(MAX_SIMILAR).toList();
    return similar.isEmpty()
        ? "none of the " + tensors.size() + " tensors has a name like it"
        : "only similar ones: " + String.join(", ", similar);
  }
}
