package dev.slabstream.kernel.nd4j;

import dev.slabstream.kernel.Dequantizer;
import dev.slabstream.kernel.NonFiniteWeightException;
import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/// Weights as one dense array, 32-bit floats `[rows, cols]`.
record DenseMatrix(INDArray weights) implements PackedMatrix {
  static DenseMatrix of(List<Tensor> tensors) {
    long cols = tensors.getFirst().cols();
    long rows = tensors.stream().mapToLong(Tensor::rows).sum();
    INDArray weights = Nd4j.create(DataType.FLOAT, new long[] {rows, cols}, 'c');
    // putRow would cost an operation a row; the array's own memory takes a row as fast as it is
    // made.
    MemorySegment memory =
        MemorySegment.ofAddress(weights.data().address()).reinterpret(rows * cols * Float.BYTES);
    float[] row = new float[Math.toIntExact(cols)];
    long next = 0;
    for (Tensor tensor : tensors) {
      for (long r = 0; r < tensor.rows(); r++) {
        Dequantizer.row(tensor, r, row);
        requireFinite(tensor, r, row);
        MemorySegment.copy(
            row,
            0,
            memory,
            ValueLayout.JAVA_FLOAT_UNALIGNED,
            next * cols * Float.BYTES,
            row.length);
        next++;
      }
    }
    return new DenseMatrix(weights);
  }

  private static void requireFinite(Tensor tensor, long r, float[] row) {
    for (int k = 0; k < row.length; k++) {
      if (!Float.isFinite(row[k])) {
        int block = tensor.type().blockElements();
        throw new NonFiniteWeightException(
            tensor.name(), tensor.type().bytesOf(r * row.length + k / block * block), "" + row[k]);
      }
    }
  }

  INDArray transposed() {
    return weights.transpose();
  }

  INDArray row(int row) {
    return weights.getRow(row);
  }

  @Override
  public int rows() {
    return Math.toIntExact(weights.rows());
  }

  @Override
  public int cols() {
    return Math.toIntExact(weights.columns());
  }

  @Override
  public long packedBytes() {
    return weights.length() * Float.BYTES;
  }
}
