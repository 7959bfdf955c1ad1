package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;

/// Rounds keys and values to the slab's [KvType] and reads them again, token by token: the same for every backend.
///
/// What a query meets is `element * scale`. A number that is not finite makes something that is not finite of all of its token and
/// head where the type has scales.
public final class KvCodec {
  private static final float MAX_HALF = 65504f;
  private static final float MAX_CODE = 127f;

  private KvCodec() {}

  /// Where the elements of one token lie: `[dim / 16][16]`, in bytes.
  private record Row(long first, long outerStep, long step) {
    static Row ofKey(KvLayout layout, long matrix, int slot) {
      long first = layout.keyElement(slot, 0);
      return new Row(
          matrix + first,
          layout.keyElement(slot, KvLayout.STRIP_TOKENS) - first,
          layout.keyElement(slot, 1) - first);
    }

    static Row ofValue(KvLayout layout, long matrix, int slot) {
      long first = layout.valueElement(slot, 0);
      return new Row(
          matrix + first,
          layout.valueElement(slot, KvLayout.STRIP_TOKENS) - first,
          layout.valueElement(slot, 1) - first);
    }

    long at(int dim) {
      return first + dim / KvLayout.STRIP_TOKENS * outerStep + dim % KvLayout.STRIP_TOKENS * step;
    }
  }

  /// Writes the keys (from `keys` on, `[numKvHeads, headDim]`) and the values of one position.
  public static void store(
      float[] x,
      int keys,
      int values,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      KvRun run,
      int position) {
    int block = run.blocks()[position / layout.blockTokens()];
    int slot = position % layout.blockTokens();
    for (int head = 0; head < layout.numKvHeads(); head++) {
      int from = head * layout.headDim();
      long keyMatrix = layout.keyOffset(layer, block, head);
      Row key = Row.ofKey(layout, keyMatrix, slot);
      store(x, keys + from, slab, layout, keyMatrix, slot, key);
      long valueMatrix = layout.valueOffset(layer, block, head);
      Row value = Row.ofValue(layout, valueMatrix, slot);
      store(x, values + from, slab, layout, valueMatrix, slot, value);
    }
  }

  private static void store(
      float[] x, int from, MemorySegment slab, KvLayout layout, long matrix, int slot, Row row) {
    int headDim = layout.headDim();
    switch (layout.type()) {
      case F32 -> {
        for (int d = 0; d < headDim; d++) {
          slab.set(JAVA_FLOAT, row.at(d), x[from + d]);
        }
      }
      case F16 -> {
        float scale = 1f;
        for (int d = 0; d < headDim; d++) {
          float element = x[from + d];
          // 1 for finite numbers: 0 times infinity is NaN.
          scale += 0f * element;
          slab.set(
              JAVA_SHORT,
              row.at(d),
              Float.floatToFloat16(Math.clamp(element, -MAX_HALF, MAX_HALF)));
        }
        slab.set(JAVA_FLOAT, matrix + layout.scale(slot), scale);
      }
      case Q8 -> {
        float max = 0f;
        for (int d = 0; d < headDim; d++) {
          max = Math.max(max, Math.abs(x[from + d]));
        }
        float scale = max / MAX_CODE;
        slab.set(JAVA_FLOAT, matrix + layout.scale(slot), scale);
        for (int d = 0; d < headDim; d++) {
          slab.set(JAVA_BYTE, row.at(d), code(x[from + d], scale));
        }
      }
    }
  }

  private static byte code(float x, float scale) {
    // Division by a scale of 0 gives NaN, or infinity where the scale has underflown.
    float code = (float) Math.rint(x / scale);
    return Float.isFinite(code) ? (byte) Math.clamp(code, -MAX_CODE, MAX_CODE) : 0;
  }

  /// Reads the key of token `slot` in the matrix at offset `matrix`: `out[headDim]`, to be multiplied by its [#scale].
  public static void key(MemorySegment slab, KvLayout layout, long matrix, int slot, float[] out) {
    read(slab, layout, Row.ofKey(layout, matrix, slot), out);
  }

  /// Reads the value of token `slot` in the matrix at offset `matrix`: `out[headDim]`, to be multiplied by its [#scale].
  public static void value(
      MemorySegment slab, KvLayout layout, long matrix, int slot, float[] out) {
    read(slab, layout, Row.ofValue(layout, matrix, slot), out);
  }

  private static void read(MemorySegment slab, KvLayout layout, Row row, float[] out) {
    int headDim = layout.headDim();
    switch (layout.type()) {
      case F32 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = slab.get(JAVA_FLOAT, row.at(d));
        }
      }
      case F16 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = Float.float16ToFloat(slab.get(JAVA_SHORT, row.at(d)));
        }
      }
      case Q8 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = slab.get(JAVA_BYTE, row.at(d));
        }
      }
    }
  }

  /// The scale of token `slot` in the matrix at offset `matrix`; 1 where the type has none.
  public static float scale(MemorySegment slab, KvLayout layout, long matrix, int slot) {
    return layout.type().scaleBytes() == 0 ? 1f : slab.get(JAVA_FLOAT, matrix + layout.scale(slot));
  }
}
