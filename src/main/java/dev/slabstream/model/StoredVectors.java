package dev.slabstream.model;

import dev.slabstream.kernel.NonFiniteWeightException;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Small tensors that are kept as plain floats (norms, biases, rotary factors), and the one matrix
/// layout that has to be turned.
final class StoredVectors {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private StoredVectors() {}

  /// A vector of `length` elements as floats.
  ///
  /// @throws MalformedModelException when it is missing, has another shape or is quantised
  /// @throws NonFiniteWeightException when an element is NaN or infinite
  static float[] require(Checkpoint checkpoint, String name, int length) {
    Tensor tensor = checkpoint.require(name, 1, length);
    float[] out = new float[length];
    for (int i = 0; i < length; i++) {
      out[i] =
          switch (tensor.type()) {
            case F32 -> tensor.data().get(FLOAT, 4L * i);
            case F16 -> Float.float16ToFloat(tensor.data().get(SHORT, 2L * i));
            case BF16 -> Float.intBitsToFloat(tensor.data().get(SHORT, 2L * i) << 16);
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K ->
                throw notPlain(checkpoint, tensor);
          };
      if (!Float.isFinite(out[i])) {
        throw new NonFiniteWeightException(
            name, (long) i * tensor.type().blockBytes(), String.valueOf(out[i]));
      }
    }
    return out;
  }

  /// `[rows, cols]` as `[cols, rows]`, of the same type, in an array of its own: what a Conv1D of
  /// GPT-2 (inputs by outputs, in Hugging Face files) is as a matrix of outputs by inputs.
  static Tensor transposed(Checkpoint checkpoint, Tensor tensor) {
    int rows = Math.toIntExact(tensor.rows());
    int cols = Math.toIntExact(tensor.cols());
    int numElements = Math.multiplyExact(rows, cols);
    MemorySegment turned =
        switch (tensor.type()) {
          case F32 -> {
            float[] out = new float[numElements];
            for (int r = 0; r < rows; r++) {
              for (int c = 0; c < cols; c++) {
                out[c * rows + r] = tensor.data().get(FLOAT, 4L * ((long) r * cols + c));
              }
            }
            yield MemorySegment.ofArray(out);
          }
          case F16, BF16 -> {
            short[] out = new short[numElements];
            for (int r = 0; r < rows; r++) {
              for (int c = 0; c < cols; c++) {
                out[c * rows + r] = tensor.data().get(SHORT, 2L * ((long) r * cols + c));
              }
            }
            yield MemorySegment.ofArray(out);
          }
          case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K -> throw notPlain(checkpoint, tensor);
        };
    return new Tensor(tensor.name(), tensor.type(), cols, rows, turned);
  }

  private static MalformedModelException notPlain(Checkpoint checkpoint, Tensor tensor) {
    return new MalformedModelException(
        checkpoint.path(),
        "tensor " + tensor.name(),
        ElementType.F32 + ", " + ElementType.F16 + " or " + ElementType.BF16,
        tensor.type().toString());
  }
}
