package dev.slabstream.kernel.vector;

import static dev.slabstream.tensor.KvLayout.STRIP_TOKENS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.slabstream.kernel.AttentionCall;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.MemorySegment;

/// The keys or the values of one head in one partition, for the thread that owns this: taken from the slab in one go, as they are
/// stored, since one long copy keeps more reads of memory under way than a product does; then turned into floats a few strips at a
/// time, which are still in the first-level cache when the products read them. 32-bit floats are read where the copy put them.
///
/// ```
/// keys     [position / 16][dim][16 positions]
/// values   [dim / 16][position][16 dimensions]
/// ```
/// so that a product runs along rows of 16, which follow each other at a constant distance: C2 needs it to check the bounds once,
/// before the loop.
final class Strips {
  private static final int PARTITION = AttentionCall.PARTITION;

  /// Elements of 16 dimensions of a strip.
  private static final int PART = STRIP_TOKENS * STRIP_TOKENS;

  private final boolean areKeys;
  private final int maxOpen;
  private float[] floats = {};
  private short[] halves = {};
  private byte[] codes = {};
  private final float[] scales = new float[PARTITION];

  // Of the present partition.
  private KvType type = KvType.F32;
  private int dim;

  /// @param maxOpen positions that [#open] is asked for at most
  Strips(boolean areKeys, int maxOpen) {
    this.areKeys = areKeys;
    this.maxOpen = maxOpen;
  }

  /// Copies the strips that hold positions `begin .. stop - 1`.
  ///
  /// @param start position of the sequence at which the partition begins
  void copy(AttentionCall call, KvRun run, int kvHead, int start, int begin, int stop) {
    KvLayout layout = call.layout();
    type = layout.type();
    dim = layout.paddedDim();
    grow();
    copyScales(call, run, kvHead, start, begin, stop);
    for (int p = begin - begin % STRIP_TOKENS; p < stop; p += STRIP_TOKENS) {
      copyStrip(call.slab(), strip(call, run, kvHead, p), p - start);
    }
  }

  /// Copies the scales alone, if the type has any.
  void copyScales(AttentionCall call, KvRun run, int kvHead, int start, int begin, int stop) {
    KvLayout layout = call.layout();
    if (layout.type().scaleBytes() == 0) {
      return;
    }
    for (int p = begin - begin % STRIP_TOKENS; p < stop; p += STRIP_TOKENS) {
      long scale = matrix(call, run, kvHead, p) + layout.scale(p % layout.blockTokens());
      MemorySegment.copy(call.slab(), JAVA_FLOAT, scale, scales, p - start, STRIP_TOKENS);
    }
  }

  /// Offset in the slab of the strip that begins at `position`.
  long strip(AttentionCall call, KvRun run, int kvHead, int position) {
    KvLayout layout = call.layout();
    return matrix(call, run, kvHead, position) + layout.strip(position % layout.blockTokens());
  }

  private long matrix(AttentionCall call, KvRun run, int kvHead, int position) {
    KvLayout layout = call.layout();
    int block = run.blocks()[position / layout.blockTokens()];
    return areKeys
        ? layout.keyOffset(call.layer(), block, kvHead)
        : layout.valueOffset(call.layer(), block, kvHead);
  }

  private void grow() {
    int elements = PARTITION * dim;
    int numFloats = elements;
    switch (type) {
      case F32 -> {}
      case F16 -> {
        numFloats = maxOpen * dim;
        halves = halves.length >= elements ? halves : new short[elements];
      }
      case Q8 -> {
        numFloats = maxOpen * dim;
        codes = codes.length >= elements ? codes : new byte[elements];
      }
    }
    floats = floats.length >= numFloats ? floats : new float[numFloats];
  }

  private void copyStrip(MemorySegment slab, long offset, int i) {
    int count = STRIP_TOKENS * dim;
    switch (type) {
      case F32 -> {
        if (areKeys) {
          MemorySegment.copy(slab, JAVA_FLOAT, offset, floats, i * dim, count);
        } else {
          for (int from = 0, at = i * STRIP_TOKENS;
              from < count;
              from += PART, at += partStride()) {
            long part = offset + (long) from * Float.BYTES;
            MemorySegment.copy(slab, JAVA_FLOAT, part, floats, at, PART);
          }
        }
      }
      case F16 -> MemorySegment.copy(slab, JAVA_SHORT, offset, halves, i * dim, count);
      case Q8 -> MemorySegment.copy(slab, JAVA_BYTE, offset, codes, i * dim, count);
    }
  }

  /// The scale of each position of the partition, where the type has scales.
  float[] scales() {
    return scales;
  }

  /// Makes the positions from `i`, a multiple of 16, ready in [#floats()]: as many as are opened at once.
  ///
  /// @return where the first of them begins
  int open(int i) {
    int last = Math.min(i + maxOpen, PARTITION);
    switch (type) {
      case F32 -> {
        return areKeys ? i * dim : i * STRIP_TOKENS;
      }
      case F16 -> {
        for (int p = i; p < last; p += STRIP_TOKENS) {
          for (int from = 0; from < STRIP_TOKENS * dim; from += PART) {
            widen(halves, p * dim + from, floats, opened(p - i, from));
          }
        }
      }
      case Q8 -> {
        for (int p = i; p < last; p += STRIP_TOKENS) {
          for (int from = 0; from < STRIP_TOKENS * dim; from += PART) {
            widen(codes, p * dim + from, floats, opened(p - i, from));
          }
        }
      }
    }
    return 0;
  }

  /// Where element `from` of the strip `i` positions behind the first opened one is put.
  private int opened(int i, int from) {
    return areKeys ? i * dim + from : from / PART * partStride() + i * STRIP_TOKENS;
  }

  float[] floats() {
    return floats;
  }

  /// From 16 dimensions of the values to the next 16.
  int partStride() {
    return (type == KvType.F32 ? PARTITION : maxOpen) * STRIP_TOKENS;
  }

  // C2 makes one vector instruction of each of these conversions.

  private static void widen(short[] halves, int from, float[] out, int at) {
    for (int i = 0; i < PART; i++) {
      out[at + i] = Float.float16ToFloat(halves[from + i]);
    }
  }

  private static void widen(byte[] codes, int from, float[] out, int at) {
    for (int i = 0; i < PART; i++) {
      out[at + i] = codes[from + i];
    }
  }
}
