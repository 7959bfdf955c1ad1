package dev.slabstream.kernel;

/// The input of one matrix product, and what is computed from it once for all rows: the caller's thread fills it in, workers then
/// write disjoint parts, and it is read-only while the panels are multiplied. The arrays are kept and grow.
public final class Activations {
  /// Inputs that share a sum; 32 in every type that needs sums.
  public static final int GROUP_ELEMENTS = 32;

  private float[] x = {};
  private int numTokens;
  private int cols;
  private float[] groupSums = {};
  private float[] tiles = {};

  /// @param tileSlack tokens by which padded tiles may exceed the batch
  void set(float[] x, int numTokens, int cols, boolean needsGroupSums, int tileSlack) {
    this.x = x;
    this.numTokens = numTokens;
    this.cols = cols;
    if (needsGroupSums) {
      groupSums = grown(groupSums, (long) numTokens * numGroups());
    }
    if (numTokens > 1) {
      tiles = grown(tiles, (long) (numTokens + tileSlack) * cols);
    }
  }

  private static float[] grown(float[] array, long length) {
    return array.length >= length ? array : new float[Math.toIntExact(length)];
  }

  /// Inputs `[numTokens, cols]`.
  public float[] x() {
    return x;
  }

  public int numTokens() {
    return numTokens;
  }

  public int cols() {
    return cols;
  }

  public int numGroups() {
    return cols / GROUP_ELEMENTS;
  }

  /// Sums of the inputs of each group, `[numTokens, numGroups]`; only where the weights need them.
  public float[] groupSums() {
    return groupSums;
  }

  /// The inputs once more in an order of the backend's own, for more than one token.
  public float[] tiles() {
    return tiles;
  }

  /// Sums the groups of inputs `fromCol` to `toCol`, each in the order of its elements.
  void sumGroups(int firstToken, int numTokens, int fromCol, int toCol) {
    int numGroups = numGroups();
    for (int t = firstToken; t < firstToken + numTokens; t++) {
      for (int group = fromCol / GROUP_ELEMENTS; group < toCol / GROUP_ELEMENTS; group++) {
        int at = t * cols + group * GROUP_ELEMENTS;
        float sum = 0f;
        for (int k = 0; k < GROUP_ELEMENTS; k++) {
          sum += x[at + k];
        }
        groupSums[t * numGroups + group] = sum;
      }
    }
  }
}
