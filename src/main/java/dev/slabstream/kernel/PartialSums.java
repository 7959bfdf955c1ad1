package dev.slabstream.kernel;

/// Long sums, the same bits at every vector width: element `i` goes to partial sum `i mod 16`, and the 16 are added by one tree.
public final class PartialSums {
  public static final int COUNT = 16;

  private PartialSums() {}

  /// Adds the 16 numbers at `offset`: `i` and `i + 8`, then `i + 4`, `i + 2`, `i + 1`. Overwrites them.
  public static float combine(float[] partials, int offset) {
    for (int distance = COUNT / 2; distance > 0; distance /= 2) {
      for (int i = 0; i < distance; i++) {
        partials[offset + i] += partials[offset + i + distance];
      }
    }
    return partials[offset];
  }
}
