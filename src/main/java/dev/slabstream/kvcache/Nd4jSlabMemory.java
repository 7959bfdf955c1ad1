package dev.slabstream.kvcache;

import dev.slabstream.tensor.JavaCppLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/// Slab memory that is an off-heap ND4J array of floats.
///
/// The segment is a view of the array's own memory, cut to the first aligned address (ND4J promises 16 bytes only, so the array is
/// a little longer than asked for). Two things bound its life: `arena` is what ends the view, so that use after close throws
/// instead of reading freed memory; `array`, referenced from here, is what keeps ND4J's collector from freeing it before.
final class Nd4jSlabMemory implements SlabMemory {
  private static final int PADDING_FLOATS = ALIGNMENT / Float.BYTES;

  private final INDArray array;
  private final Arena arena;
  private final MemorySegment segment;

  @SuppressWarnings("MustBeClosedChecker") // closed with the memory
  private Nd4jSlabMemory(INDArray array, long bytes) {
    this.array = array;
    long address = array.data().address();
    long alignedAddress = Math.ceilDiv(address, ALIGNMENT) * ALIGNMENT;
    arena = Arena.ofShared();
    segment = MemorySegment.ofAddress(alignedAddress).reinterpret(bytes, arena, null);
  }

  static Nd4jSlabMemory allocate(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be positive; got " + bytes);
    }
    JavaCppLimits.lift();
    long numFloats = Math.addExact(Math.ceilDiv(bytes, Float.BYTES), PADDING_FLOATS);
    try {
      return new Nd4jSlabMemory(Nd4j.createUninitializedDetached(DataType.FLOAT, numFloats), bytes);
    } catch (OutOfMemoryError e) {
      throw new IllegalStateException("no memory for a slab of %d bytes".formatted(bytes), e);
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "ND4J has no usable native library for %s %s, and the slab is an ND4J array"
              .formatted(System.getProperty("os.name"), System.getProperty("os.arch")),
          e);
    }
  }

  /// The array behind the segment.
  INDArray array() {
    return array;
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {
    arena.close();
    array.close();
  }
}
