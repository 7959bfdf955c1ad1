package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Takes rows of a tensor as the file's type defines them, in 32-bit floats: `scale * (code + bias) + minimum`, nothing fused.
/// For whoever needs plain numbers rather than panels.
public final class Dequantizer {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Dequantizer() {}

  /// Writes row `row` of `tensor` to `out`, `tensor.cols()` floats.
  public static void row(Tensor tensor, long row, float[] out) {
    MemorySegment bytes = tensor.row(row);
    int cols = Math.toIntExact(tensor.cols());
    switch (tensor.type()) {
      case F32 -> MemorySegment.copy(bytes, FLOAT, 0, out, 0, cols);
      case F16 -> {
        for (int k = 0; k < cols; k++) {
          out[k] = Float.float16ToFloat(bytes.getAtIndex(SHORT, k));
        }
      }
      case BF16 -> {
        for (int k = 0; k < cols; k++) {
          out[k] = Float.intBitsToFloat(bytes.getAtIndex(SHORT, k) << 16);
        }
      }
      case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K ->
          blocks(tensor.type(), bytes, cols, out);
    }
  }

  private static void blocks(ElementType type, MemorySegment bytes, int cols, float[] out) {
    PanelFormat format = PanelFormat.of(type);
    BlockUnpacker unpacker = BlockUnpacker.of(type);
    int groupElements = format.groupElements();
    byte[] row = bytes.toArray(ValueLayout.JAVA_BYTE);
    byte[] codes = new byte[type.blockElements()];
    float[] scales = new float[codes.length / groupElements];
    float[] minima = new float[scales.length];
    for (int block = 0; block < cols / codes.length; block++) {
      unpacker.unpack(row, block * type.blockBytes(), codes, scales, minima);
      for (int i = 0; i < codes.length; i++) {
        int group = i / groupElements;
        float weight = scales[group] * (codes[i] + format.bias());
        out[block * codes.length + i] = format.hasMinima() ? weight + minima[group] : weight;
      }
    }
  }
}
