package dev.slabstream.model;

import org.jspecify.annotations.Nullable;

/// Cosines and sines of the rotary embedding (arXiv:2104.09864): position `p` turns pair `i` by `p
/// * theta^(-2i / headDim)`, divided by the scaling factor of the pair.
///
/// Computed in double precision by [StrictMath], so that every machine has the same bits; a chunk
/// of positions when one of them is first asked for. One thread at a time.
final class RotaryTable {
  private static final int CHUNK_POSITIONS = 256;

  private final double[] inverseFrequencies;

  /// `[contextLength / CHUNK_POSITIONS][CHUNK_POSITIONS, headDim / 2]`
  private final float[] @Nullable [] cosChunks;

  private final float[] @Nullable [] sinChunks;

  RotaryTable(ModelConfig config) {
    this.inverseFrequencies = new double[config.headDim() / 2];
    float[] scaling = config.ropeScaling();
    for (int i = 0; i < inverseFrequencies.length; i++) {
      double frequency = StrictMath.pow(config.ropeTheta(), -2.0 * i / config.headDim());
      inverseFrequencies[i] = scaling.length == 0 ? frequency : frequency / scaling[i];
    }
    int numChunks = Math.ceilDiv(config.contextLength(), CHUNK_POSITIONS);
    this.cosChunks = new float[numChunks][];
    this.sinChunks = new float[numChunks][];
  }

  /// Fills row `t` of cos and sin, `[numTokens, headDim / 2]`, with those of `positions[t]`.
  void fill(int[] positions, int numTokens, float[] cos, float[] sin) {
    int dim = inverseFrequencies.length;
    for (int t = 0; t < numTokens; t++) {
      int chunk = positions[t] / CHUNK_POSITIONS;
      if (cosChunks[chunk] == null) {
        compute(chunk);
      }
      int offset = positions[t] % CHUNK_POSITIONS * dim;
      System.arraycopy(cosChunks[chunk], offset, cos, t * dim, dim);
      System.arraycopy(sinChunks[chunk], offset, sin, t * dim, dim);
    }
  }

  private void compute(int chunk) {
    int dim = inverseFrequencies.length;
    float[] cos = new float[CHUNK_POSITIONS * dim];
    float[] sin = new float[CHUNK_POSITIONS * dim];
    for (int p = 0; p < CHUNK_POSITIONS; p++) {
      double position = (double) chunk * CHUNK_POSITIONS + p;
      for (int i = 0; i < dim; i++) {
        double angle = position * inverseFrequencies[i];
        cos[p * dim + i] = (float) StrictMath.cos(angle);
        sin[p * dim + i] = (float) StrictMath.sin(angle);
      }
    }
    cosChunks[chunk] = cos;
    sinChunks[chunk] = sin;
  }
}
