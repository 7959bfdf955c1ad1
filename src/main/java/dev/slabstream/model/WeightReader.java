package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;

/// Fetches tensors by GGUF's names, checks their shapes and packs them. Lives while a model is
/// loaded.
final class WeightReader {
  /// Whether a linear map has a bias.
  enum Bias {
    NONE,
    REQUIRED,
    IF_PRESENT
  }

  /// One of several matrices that share their input: its name and its number of outputs.
  record Part(String name, int rows) {}

  private final Checkpoint checkpoint;
  private final Kernels kernels;
  private final TensorNames names;
  private final LoadProgress progress;
  private final String layerPrefix;

  WeightReader(Checkpoint checkpoint, Kernels kernels, TensorNames names, LoadProgress progress) {
    this(checkpoint, kernels, names, progress, "");
  }

  private WeightReader(
      Checkpoint checkpoint,
      Kernels kernels,
      TensorNames names,
      LoadProgress progress,
      String layerPrefix) {
    this.checkpoint = checkpoint;
    this.kernels = kernels;
    this.names = names;
    this.progress = progress;
    this.layerPrefix = layerPrefix;
  }

  /// A reader of the tensors of one layer.
  WeightReader layer(int layer) {
    return new WeightReader(checkpoint, kernels, names, progress, names.layers() + layer + ".");
  }

  boolean has(String name) {
    return checkpoint.tensors().containsKey(weight(name));
  }

  /// `[length]`, kept as floats.
  float[] vector(String name, int length) {
    return floats(weight(name), length);
  }

  float[] bias(String name, int length) {
    return floats(biasOf(name), length);
  }

  /// `[rows, cols]`
  PackedMatrix matrix(String name, int rows, int cols) {
    Tensor tensor = checkpoint.require(weight(name), rows, cols);
    return packed(List.of(tensor));
  }

  /// `[sum of rows, in]`: the parts one above the other.
  Linear linear(int in, Bias bias, Part... parts) {
    List<Tensor> tensors = new ArrayList<>();
    int rows = 0;
    for (Part part : parts) {
      tensors.add(linearWeight(part, in));
      rows += part.rows();
    }
    PackedMatrix weight = packed(tensors);
    boolean biased =
        switch (bias) {
          case NONE -> false;
          case REQUIRED -> true;
          case IF_PRESENT -> hasAnyBias(parts);
        };
    return new Linear(weight, biased ? biases(parts, rows) : null);
  }

  private Tensor linearWeight(Part part, int in) {
    String name = weight(part.name());
    return names.conv1d()
        ? StoredVectors.transposed(checkpoint, checkpoint.require(name, in, part.rows()))
        : checkpoint.require(name, part.rows(), in);
  }

  private boolean hasAnyBias(Part[] parts) {
    for (Part part : parts) {
      if (checkpoint.tensors().containsKey(biasOf(part.name()))) {
        return true;
      }
    }
    return false;
  }

  private float[] biases(Part[] parts, int length) {
    float[] all = new float[length];
    int offset = 0;
    for (Part part : parts) {
      System.arraycopy(bias(part.name(), part.rows()), 0, all, offset, part.rows());
      offset += part.rows();
    }
    return all;
  }

  private PackedMatrix packed(List<Tensor> tensors) {
    PackedMatrix matrix = kernels.pack(tensors);
    for (Tensor tensor : tensors) {
      progress.read(tensor.name(), tensor.data().byteSize());
    }
    return matrix;
  }

  private float[] floats(String name, int length) {
    float[] values = StoredVectors.require(checkpoint, name, length);
    progress.read(name, (long) Float.BYTES * length);
    return values;
  }

  private String weight(String name) {
    return names.of(layerPrefix, name) + ".weight";
  }

  private String biasOf(String name) {
    return names.of(layerPrefix, name) + ".bias";
  }
}
