package dev.slabstream.tensor;

/// Where keys and values lie in the slab:
///
/// ```
/// slab    [layer][block][K | V][kvHead][ block matrix ]
/// K       [strip][dim][16]         lanes = the 16 tokens of a strip: their scores at once
/// V       [strip][dim / 16][16 tokens][16]   lanes = 16 dimensions of the head: the weighted sum
/// scales  [blockTokens]            behind the elements of each matrix, 32-bit floats, if the type has them
/// ```
///
/// So a block is whole by itself, and the keys as well as the values of a strip are one run of bytes. Rows of 16 follow each other
/// whatever the head's dimension, which kernels can count on; it is rounded up to a multiple of 16. Offsets are in bytes.
///
/// @param type how each element is stored
public record KvLayout(
    int numLayers, int numBlocks, int numKvHeads, int headDim, int blockTokens, KvType type) {
  /// Tokens of a strip, and dimensions that lie side by side; a multiple of the lanes of every vector width.
  public static final int STRIP_TOKENS = 16;

  public KvLayout {
    requirePositive("numLayers", numLayers);
    requirePositive("numBlocks", numBlocks);
    requirePositive("numKvHeads", numKvHeads);
    requirePositive("headDim", headDim);
    requirePositive("blockTokens", blockTokens);
    if (blockTokens % STRIP_TOKENS != 0) {
      throw new IllegalArgumentException(
          "blockTokens must be a multiple of 16; got " + blockTokens);
    }
  }

  /// A layout of 32-bit floats.
  public KvLayout(int numLayers, int numBlocks, int numKvHeads, int headDim, int blockTokens) {
    this(numLayers, numBlocks, numKvHeads, headDim, blockTokens, KvType.F32);
  }

  private static void requirePositive(String name, int value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive; got " + value);
    }
  }

  /// The same with another number of blocks.
  public KvLayout withBlocks(int numBlocks) {
    return new KvLayout(numLayers, numBlocks, numKvHeads, headDim, blockTokens, type);
  }

  /// Bytes of the keys (or the values) of one block, one layer, one head, with their scales.
  public long matrixBytes() {
    return elementsBytes() + (long) blockTokens * type.scaleBytes();
  }

  private long elementsBytes() {
    return (long) blockTokens / STRIP_TOKENS * stripElements() * type.elementBytes();
  }

  /// The head's dimension, rounded up to a multiple of 16.
  public int paddedDim() {
    return (headDim + STRIP_TOKENS - 1) / STRIP_TOKENS * STRIP_TOKENS;
  }

  /// Elements of the keys, or of the values, of a strip.
  public int stripElements() {
    return STRIP_TOKENS * paddedDim();
  }

  /// Offset in a matrix, of keys or of values, of the strip that begins with the block's token `slot`.
  public long strip(int slot) {
    return (long) slot / STRIP_TOKENS * stripElements() * type.elementBytes();
  }

  /// Bytes of one block in one layer: keys and values of all heads.
  public long blockLayerBytes() {
    return 2L * numKvHeads * matrixBytes();
  }

  /// Bytes of one block over all layers.
  public long blockBytes() {
    return Math.multiplyExact(blockLayerBytes(), (long) numLayers);
  }

  /// Bytes that one position takes, over all layers.
  public long tokenBytes() {
    return blockBytes() / blockTokens;
  }

  public long slabBytes() {
    return Math.multiplyExact(blockBytes(), (long) numBlocks);
  }

  /// Offset in the slab of a matrix of keys.
  public long keyOffset(int layer, int block, int kvHead) {
    return ((long) layer * numBlocks + block) * blockLayerBytes() + kvHead * matrixBytes();
  }

  /// Offset in the slab of a matrix of values.
  public long valueOffset(int layer, int block, int kvHead) {
    return keyOffset(layer, block, kvHead) + numKvHeads * matrixBytes();
  }

  /// Offset in a matrix of keys of element `dim` of the block's token `slot`.
  public long keyElement(int slot, int dim) {
    int element = dim * STRIP_TOKENS + slot % STRIP_TOKENS;
    return strip(slot) + (long) element * type.elementBytes();
  }

  /// Offset in a matrix of values of element `dim` of the block's token `slot`.
  public long valueElement(int slot, int dim) {
    int row = dim / STRIP_TOKENS * STRIP_TOKENS + slot % STRIP_TOKENS;
    return strip(slot) + (long) (row * STRIP_TOKENS + dim % STRIP_TOKENS) * type.elementBytes();
  }

  /// Offset in a matrix, of keys or of values, of the scale of the block's token `slot`.
  public long scale(int slot) {
    return elementsBytes() + (long) slot * type.scaleBytes();
  }
}
