package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The one vector width of this JVM, and what the kernels share about it.
final class Lanes {
  static final int BITS = VectorBackend.chosenBits();

  static final VectorSpecies<Float> F = VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));
  static final VectorSpecies<Integer> I = F.withLanes(int.class);

  /// As many 16-bit lanes as [#F] has 32-bit ones.
  static final VectorSpecies<Short> H =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));

  /// At least as many bytes as [#F] has lanes; there are none shorter than 64 bits.
  static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));

  static final int LENGTH = F.length();
  static final int BYTES = LENGTH * Integer.BYTES;

  /// Rows that a tile multiplies at once: two vectors.
  static final int STRIP = 2 * LENGTH;

  /// Whether a panel has four vectors of rows, or but two. All that there are up to four are multiplied at once, so that memory is read
  /// forwards: each skipped line would be waited for later.
  static final boolean FOUR_VECTORS = 4 * LENGTH <= PANEL_ROWS;

  /// Rows that a product for one token multiplies at once.
  static final int ROWS = (FOUR_VECTORS ? 4 : 2) * LENGTH;

  /// Codes in an int.
  static final int FIELDS = 4;

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private static final int HALF_MASK = 0x8FFFE000;

  /// What [#smallHalves] lack.
  static final float HALF_SCALE = 0x1p112f;

  private Lanes() {}

  /// 16-bit floats: their bits, moved to where a float has sign, exponent and fraction, make a number that is 2^112 too small.
  static FloatVector halfFloats(MemorySegment memory, long offset) {
    return halfFloats(memory, offset, 1f);
  }

  /// 16-bit floats times a power of two.
  static FloatVector halfFloats(MemorySegment memory, long offset, float power) {
    return smallHalves(memory, offset).mul(HALF_SCALE * power);
  }

  /// Finite 16-bit floats, 2^112 times too small. A product with a number that is 2^112 times too large has the same bits as that of
  /// the numbers themselves.
  static FloatVector smallHalves(MemorySegment memory, long offset) {
    return shorts(memory, offset)
        .lanewise(VectorOperators.LSHL, 13)
        .and(HALF_MASK)
        .reinterpretAsFloats();
  }

  /// Signed bytes.
  static FloatVector bytes(MemorySegment memory, long offset) {
    return (FloatVector)
        ByteVector.fromMemorySegment(B, memory, offset, ORDER)
            .convertShape(VectorOperators.B2F, F, 0);
  }

  static FloatVector brainFloats(MemorySegment memory, long offset) {
    return shorts(memory, offset).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static IntVector shorts(MemorySegment memory, long offset) {
    return (IntVector)
        ShortVector.fromMemorySegment(H, memory, offset, ORDER)
            .convertShape(VectorOperators.S2I, I, 0);
  }

  static FloatVector floats(MemorySegment memory, long offset) {
    return FloatVector.fromMemorySegment(F, memory, offset, ORDER);
  }

  static IntVector ints(MemorySegment memory, long offset) {
    return IntVector.fromMemorySegment(I, memory, offset, ORDER);
  }

  /// Where the weights of row `row` begin in a panel unpacked strip by strip, `[strip][numElements][STRIP]`.
  static int strip(int row, int numElements) {
    return row / STRIP * STRIP * numElements + row % STRIP;
  }

  /// The four terms of each int of a strip, one after the other: whole lines of the cache.
  static void storeTerms(IntVector fieldsA, IntVector fieldsB, float[] out, int at) {
    for (int field = 0; field < FIELDS; field++) {
      toFloats(fieldsA).intoArray(out, at + field * STRIP);
      toFloats(fieldsB).intoArray(out, at + field * STRIP + LENGTH);
      fieldsA = fieldsA.lanewise(VectorOperators.LSHL, 8);
      fieldsB = fieldsB.lanewise(VectorOperators.LSHL, 8);
    }
  }

  static FloatVector toFloats(IntVector codes) {
    return (FloatVector) codes.convert(VectorOperators.I2F, 0);
  }
}
