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

  /// Elements from dimension `d` of a token, key or value, to its dimension `d + 16`.
  private static final int PART_ELEMENTS = KvLayout.STRIP_TOKENS * KvLayout.STRIP_TOKENS;

  private KvCodec() {}

  /// Offset in the slab of dimension `dim` of a token.
  ///
  /// @param first the same of dimension 0
  /// @param step from there to dimension 1, in bytes
  /// @param part from there to dimension 16
  private static long at(long first, long step, long part, int dim) {
    return first + dim / KvLayout.STRIP_TOKENS * part + dim % KvLayout.STRIP_TOKENS * step;
  }

  private static long keyStep(KvLayout layout) {
    return layout.keyElement(0, 1) - layout.keyElement(0, 0);
  }

  private static long valueStep(KvLayout layout) {
    return layout.valueElement(0, 1) - layout.valueElement(0, 0);
  }

  private static long partBytes(KvLayout layout) {
    return (long) PART_ELEMENTS * layout.type().elementBytes();
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
      long key = keyMatrix + layout.keyElement(slot, 0);
      store(x, keys + from, slab, layout, keyMatrix, slot, key, keyStep(layout));
      long valueMatrix = layout.valueOffset(layer, block, head);
      long value = valueMatrix + layout.valueElement(slot, 0);
      store(x, values + from, slab, layout, valueMatrix, slot, value, valueStep(layout));
    }
  }

  private static void store(
      float[] x,
      int from,
      MemorySegment slab,
      KvLayout layout,
      long matrix,
      int slot,
      long first,
      long step) {
    int headDim = layout.headDim();
    long part = partBytes(layout);
    switch (layout.type()) {
      case F32 -> {
        for (int d = 0; d < headDim; d++) {
          slab.set(JAVA_FLOAT, at(first, step, part, d), x[from + d]);
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
              at(first, step, part, d),
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
          slab.set(JAVA_BYTE, at(first, step, part, d), code(x[from + d], scale));
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
    read(slab, layout, matrix + layout.keyElement(slot, 0), keyStep(layout), out);
  }

  /// Reads the value of token `slot` in the matrix at offset `matrix`: `out[headDim]`, to be multiplied by its [#scale].
  public static void value(
      MemorySegment slab, KvLayout layout, long matrix, int slot, float[] out) {
    read(slab, layout, matrix + layout.valueElement(slot, 0), valueStep(layout), out);
  }

  private static void read(
      MemorySegment slab, KvLayout layout, long first, long step, float[] out) {
    int headDim = layout.headDim();
    long part = partBytes(layout);
    switch (layout.type()) {
      case F32 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = slab.get(JAVA_FLOAT, at(first, step, part, d));
        }
      }
      case F16 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = Float.float16ToFloat(slab.get(JAVA_SHORT, at(first, step, part, d)));
        }
      }
      case Q8 -> {
        for (int d = 0; d < headDim; d++) {
          out[d] = slab.get(JAVA_BYTE, at(first, step, part, d));
        }
      }
    }
  }

  /// The scale of token `slot` in the matrix at offset `matrix`; 1 where the type has none.
  public static float scale(MemorySegment slab, KvLayout layout, long matrix, int slot) {
    return layout.type().scaleBytes() == 0 ? 1f : slab.get(JAVA_FLOAT, matrix + layout.scale(slot));
  }
}
