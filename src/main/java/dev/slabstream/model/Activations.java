package dev.slabstream.model;

/// The arrays that a forward pass computes in: one row a token, grown to the largest batch so far
/// and then used again and again. Belongs to one model.
final class Activations {
  /// Rows of logits computed in one go: enough to read the head once for many, few enough to stay
  /// small beside a vocabulary.
  static final int HEAD_TILE = 32;

  private final ModelConfig config;
  private int capacity;

  /// The residual stream, `[numTokens, embeddingDim]`.
  float[] x = {};

  /// The input of a block, and then its output, `[numTokens, embeddingDim]`.
  float[] block = {};

  /// Queries, keys and values, `[numTokens, (numHeads + 2 * numKvHeads) * headDim]`.
  float[] qkv = {};

  /// `[numTokens, numHeads * headDim]`
  float[] attended = {};

  /// `[numTokens, 2 * feedForwardDim]`
  float[] gateUp = {};

  /// `[numTokens, feedForwardDim]`
  float[] hidden = {};

  /// The rotary rows of the tokens' positions, `[numTokens, headDim / 2]`.
  float[] cos = {};

  float[] sin = {};

  /// The input of the head, `[HEAD_TILE, embeddingDim]`.
  final float[] headInput;

  /// `[HEAD_TILE, vocabSize]`
  float[] logits = {};

  Activations(ModelConfig config) {
    this.config = config;
    this.headInput = new float[HEAD_TILE * config.embeddingDim()];
  }

  /// Makes room for `numTokens` rows; what was in the arrays is lost when they grow.
  void ensure(int numTokens) {
    if (numTokens <= capacity) {
      return;
    }
    // Whole tiles, so that a batch which grows by one sequence after the other does not allocate
    // for each.
    int rows = Math.ceilDiv(numTokens, HEAD_TILE) * HEAD_TILE;
    boolean rotary = config.architecture() != ModelConfig.Architecture.GPT2;
    x = rows(rows, config.embeddingDim());
    block = rows(rows, config.embeddingDim());
    qkv = rows(rows, config.qkvDim());
    attended = rows(rows, config.numHeads() * config.headDim());
    gateUp = rotary ? rows(rows, 2 * config.feedForwardDim()) : gateUp;
    hidden = rows(rows, config.feedForwardDim());
    cos = rotary ? rows(rows, config.headDim() / 2) : cos;
    sin = rotary ? rows(rows, config.headDim() / 2) : sin;
    capacity = rows;
  }

  /// Makes room for `numRows` rows of logits, at most a tile.
  void ensureLogits(int numRows) {
    int needed = Math.multiplyExact(numRows, config.vocabSize());
    if (logits.length < needed) {
      logits = new float[needed];
    }
  }

  /// Moves rows `from .. from + count` of the residual stream and of the queries to `to`, which is
  /// not above `from`.
  void moveRows(int from, int to, int count) {
    if (from != to) {
      move(x, from, to, count, config.embeddingDim());
      move(qkv, from, to, count, config.qkvDim());
    }
  }

  private static void move(float[] rows, int from, int to, int count, int dim) {
    System.arraycopy(rows, from * dim, rows, to * dim, count * dim);
  }

  private static float[] rows(int numRows, int dim) {
    return new float[Math.multiplyExact(numRows, dim)];
  }
}
