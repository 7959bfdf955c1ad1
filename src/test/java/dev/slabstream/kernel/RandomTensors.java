package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/// Tensors of random codes with scales such that weights lie in about -1..1, and random activations. Deterministic by seed.
final class RandomTensors {
  private final SplittableRandom random;

  RandomTensors(long seed) {
    random = new SplittableRandom(seed);
  }

  Tensor tensor(ElementType type, int rows, int cols) {
    byte[] bytes = new byte[Math.toIntExact(rows * type.bytesOf(cols))];
    random.nextBytes(bytes);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < bytes.length; at += type.blockBytes()) {
      switch (type) {
        case F32 -> buffer.putFloat(at, weight());
        case F16 -> buffer.putShort(at, half(weight()));
        case BF16 -> buffer.putShort(at, (short) (Float.floatToRawIntBits(weight()) >> 16));
        case Q4_0, Q5_0 -> buffer.putShort(at, half(weight() / 16));
        case Q8_0 -> {
          buffer.putShort(at, half(weight() / 128));
          // Quantisers make no code of -128, and panels with one are not packed as codes.
          for (int i = at + Short.BYTES; i < at + type.blockBytes(); i++) {
            bytes[i] = (byte) Math.max(bytes[i], -127);
          }
        }
        case Q4_1, Q5_1, Q4_K, Q5_K -> {
          float scale = type == ElementType.Q4_1 || type == ElementType.Q5_1 ? 16 : 1024;
          buffer.putShort(at, half(weight() / scale));
          buffer.putShort(at + 2, half(weight() / (scale == 16 ? 2 : 64)));
        }
        case Q6_K -> buffer.putShort(at + 208, half(weight() / 4096));
      }
    }
    return new Tensor(
        type + "[" + rows + "," + cols + "]", type, rows, cols, MemorySegment.ofArray(bytes));
  }

  /// Makes the codes of rows `fromRow` to `toRow` of a Q8_0 tensor `lowest`, 127 or 0, by chance.
  void extremeCodes(Tensor tensor, int fromRow, int toRow, int lowest) {
    byte[] codes = {(byte) lowest, (byte) lowest, 127, 127, 0};
    int blockBytes = tensor.type().blockBytes();
    for (int row = fromRow; row < toRow; row++) {
      MemorySegment bytes = tensor.row(row);
      for (int i = 0; i < bytes.byteSize(); i++) {
        if (i % blockBytes >= Short.BYTES) {
          bytes.set(ValueLayout.JAVA_BYTE, i, codes[random.nextInt(codes.length)]);
        }
      }
    }
  }

  private float weight() {
    return random.nextFloat(-1f, 1f);
  }

  private static short half(float value) {
    return Float.floatToFloat16(value);
  }

  float[] floats(int length, float bound) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextFloat(-bound, bound);
    }
    return values;
  }
}
