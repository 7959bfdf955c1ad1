package dev.slabstream.tensor;

/// How keys and values are stored in the slab. They are rounded once, when they are written; every query reads the rounded ones.
public enum KvType {
  /// 32-bit floats.
  F32(Float.BYTES, 0),

  /// 16-bit floats (IEEE 754 binary16), rounded to nearest, ties to even; finite numbers beyond the type's range become its largest,
  /// 65504. The scale is 1, or NaN where a number of the head's keys (or values) of the token is not finite: so kernels may take all
  /// elements for finite ones.
  F16(Short.BYTES, Float.BYTES),

  /// Signed 8-bit codes, -127 to 127, times a 32-bit scale: the largest magnitude of the head's keys (or values) of one token, over
  /// 127.
  Q8(Byte.BYTES, Float.BYTES);

  private final int elementBytes;
  private final int scaleBytes;

  KvType(int elementBytes, int scaleBytes) {
    this.elementBytes = elementBytes;
    this.scaleBytes = scaleBytes;
  }

  /// Bytes of one element of a key or a value.
  public int elementBytes() {
    return elementBytes;
  }

  /// Bytes of the scale that the elements of one token and head share, for keys and for values each; 0 for none.
  public int scaleBytes() {
    return scaleBytes;
  }
}
