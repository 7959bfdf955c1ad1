package dev.slabstream.kernel.vector;

import dev.slabstream.kernel.PanelMath;
import jdk.incubator.vector.VectorShape;

/// Makes the vector backend, with one vector width in the life of a JVM: mixed widths would spoil the compiler's profiles, so the
/// width is a constant of [Lanes], taken from here when that class loads.
public final class VectorBackend {
  /// What the first call asked for; 0 before it.
  private static int chosenBits;

  private VectorBackend() {}

  /// @param vectorBits 128, 256 or 512; 0 for what this JVM computes with already, else the machine's widest
  /// @throws IllegalStateException when the machine has no vectors that wide, or this JVM already computes with another width
  public static synchronized PanelMath open(int vectorBits, int threads) {
    int widest = VectorShape.preferredShape().vectorBitSize();
    if (vectorBits > widest) {
      throw new IllegalStateException(
          "vector width "
              + vectorBits
              + " asked for; this machine has at most "
              + widest
              + " bits");
    }
    if (chosenBits == 0) {
      chosenBits = vectorBits == 0 ? widest : vectorBits;
    }
    if (vectorBits != 0 && vectorBits != Lanes.BITS) {
      throw new IllegalStateException(
          "vector width "
              + vectorBits
              + " asked for; this JVM already computes with "
              + Lanes.BITS
              + " bits, and cannot change");
    }
    return new VectorMath(threads);
  }

  static synchronized int chosenBits() {
    return chosenBits;
  }
}
