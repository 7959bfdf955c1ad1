package dev.slabstream.kernel;

/// The input of one matrix product, and what is computed from it once for all rows: the caller's thread fills it in, workers then
/// write disjoint parts, and it is read-only while the panels are multiplied. The arrays are kept and grow; those that the weights
/// at hand do not need hold anything.
public final class Activations {
  /// Inputs that share a sum; 32 in every type that needs sums.
  public static final int GROUP_ELEMENTS = 32;

  /// Inputs whose codes are the fields of one int.
  private static final int FIELDS = 4;

  private static final float HANGS_ON = -0x1p-8f;

  private float[] x = {};
  private int numTokens;
  private int cols;
  private boolean plain;
  private boolean grouped;
  private boolean sums;
  private float[] termInputs = {};
  private float[] groupSums = {};
  private float[] tiles = {};
  private float[] termTiles = {};
  private float[] sumTiles = {};

  /// @param tileSlack tokens by which padded tiles may exceed the batch
  void set(float[] x, int numTokens, PackedPanels w, int tileSlack) {
    this.x = x;
    this.numTokens = numTokens;
    this.cols = w.cols();
    plain = w.hasPlain();
    grouped = w.hasGroups();
    sums = w.hasMinima();
    long tokens = numTokens;
    long tiledTokens = numTokens > 1 ? tokens + tileSlack : 0;
    termInputs = grown(termInputs, grouped ? tokens * cols : 0);
    groupSums = grown(groupSums, sums ? tokens * numGroups() : 0);
    tiles = grown(tiles, plain ? tiledTokens * cols : 0);
    termTiles = grown(termTiles, grouped ? tiledTokens * cols : 0);
    sumTiles = grown(sumTiles, sums ? tiledTokens * numGroups() : 0);
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

  /// Whether plain floats among the weights read [#x] and [#tiles].
  public boolean plain() {
    return plain;
  }

  /// Whether codes among the weights read [#termInputs] and [#termTiles].
  public boolean grouped() {
    return grouped;
  }

  /// Whether minima among the weights read [#groupSums] and [#sumTiles].
  public boolean sums() {
    return sums;
  }

  /// What the terms of grouped weights are multiplied with, `[numTokens, cols]`: `x[k] - x[k-1] / 2^8`, and `x[k]` where fields
  /// begin, at every fourth. See [PanelMath].
  public float[] termInputs() {
    return termInputs;
  }

  /// Sums of the inputs of each group, `[numTokens, numGroups]`.
  public float[] groupSums() {
    return groupSums;
  }

  /// [#x] once more in an order of the backend's own, for more than one token.
  public float[] tiles() {
    return tiles;
  }

  /// [#termInputs] in the order of [#tiles].
  public float[] termTiles() {
    return termTiles;
  }

  /// [#groupSums] in the order of [#tiles].
  public float[] sumTiles() {
    return sumTiles;
  }

  /// Whether there is something to [#derive].
  boolean derives() {
    return grouped || sums;
  }

  /// Computes term inputs and group sums of inputs `fromCol` to `toCol`, multiples of 32.
  void derive(int firstToken, int numTokens, int fromCol, int toCol) {
    for (int t = firstToken; t < firstToken + numTokens; t++) {
      if (grouped) {
        deriveTermInputs(t * cols + fromCol, t * cols + toCol);
      }
      if (sums) {
        for (int group = fromCol / GROUP_ELEMENTS; group < toCol / GROUP_ELEMENTS; group++) {
          groupSums[t * numGroups() + group] = groupSum(t * cols + group * GROUP_ELEMENTS);
        }
      }
    }
  }

  private void deriveTermInputs(int from, int to) {
    for (int k = from; k < to; k += FIELDS) {
      termInputs[k] = x[k];
      termInputs[k + 1] = Math.fma(x[k], HANGS_ON, x[k + 1]);
      termInputs[k + 2] = Math.fma(x[k + 1], HANGS_ON, x[k + 2]);
      termInputs[k + 3] = Math.fma(x[k + 2], HANGS_ON, x[k + 3]);
    }
  }

  /// Four chains, which do not wait for each other, then `(0 + 1) + (2 + 3)`.
  private float groupSum(int from) {
    float s0 = 0f;
    float s1 = 0f;
    float s2 = 0f;
    float s3 = 0f;
    for (int k = from; k < from + GROUP_ELEMENTS; k += 4) {
      s0 += x[k];
      s1 += x[k + 1];
      s2 += x[k + 2];
      s3 += x[k + 3];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
