package dev.slabstream.tensor;

/// Where keys and values lie in the slab, 32-bit floats:
///
/// ```
/// slab    [layer][block][K | V][kvHead][ block matrix ]
/// K       [headDim][blockTokens]   lanes = tokens: scores of a run of tokens at once
/// V       [blockTokens][headDim]   lanes = head dimensions: the weighted sum
/// ```
///
/// All offsets are in bytes from the start of the slab.
public record KvLayout(int numLayers, int numBlocks, int numKvHeads, int headDim, int blockTokens) {
  public KvLayout {
    requirePositive("numLayers", numLayers);
    requirePositive("numBlocks", numBlocks);
    requirePositive("numKvHeads", numKvHeads);
    requirePositive("headDim", headDim);
    requirePositive("blockTokens", blockTokens);
    if (blockTokens % 16 != 0) {
      throw new IllegalArgumentException(
          "blockTokens must be a multiple of 16; got " + blockTokens);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive; got " + value);
    }
  }

  /// Bytes of the keys (or the values) of one block, one layer, one head.
  public long matrixBytes() {
    return (long) headDim * blockTokens * Float.BYTES;
  }

  /// Bytes of one block in one layer: keys and values of all heads.
  public long blockLayerBytes() {
    return 2L * numKvHeads * matrixBytes();
  }

  /// Bytes of one block over all layers.
  public long blockBytes() {
    return Math.multiplyExact(blockLayerBytes(), (long) numLayers);
  }

  public long slabBytes() {
    return Math.multiplyExact(blockBytes(), (long) numBlocks);
  }

  /// Offset of the key matrix `[headDim][blockTokens]`.
  public long keyOffset(int layer, int block, int kvHead) {
    return ((long) layer * numBlocks + block) * blockLayerBytes() + kvHead * matrixBytes();
  }

  /// Offset of the value matrix `[blockTokens][headDim]`.
  public long valueOffset(int layer, int block, int kvHead) {
    return keyOffset(layer, block, kvHead) + numKvHeads * matrixBytes();
  }
}
