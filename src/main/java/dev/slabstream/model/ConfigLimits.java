package dev.slabstream.model;

import dev.slabstream.weights.Metadata;

/// Upper bounds for the numbers of a model file: several times what the largest models have, and
/// low enough that no product of those that meet in a shape overflows.
final class ConfigLimits {
  static final int LAYERS = 1 << 12;
  static final int EMBEDDING_DIM = 1 << 17;
  static final int HEADS = 1 << 12;
  static final int HEAD_DIM = 1 << 12;
  static final int FEED_FORWARD_DIM = 1 << 20;
  static final int VOCAB = 1 << 24;
  static final int CONTEXT = 1 << 24;

  /// All heads of a layer side by side.
  static final int PROJECTION_DIM = 1 << 18;

  private ConfigLimits() {}

  /// A positive number that is still one as a 32-bit float.
  static float requirePositiveFloat(Metadata metadata, String key) {
    return positiveFloat(metadata, key, metadata.requireDouble(key));
  }

  static float positiveFloat(Metadata metadata, String key, double fallback) {
    double value = metadata.optionalDouble(key).orElse(fallback);
    float narrowed = (float) value;
    if (!(narrowed > 0) || !Float.isFinite(narrowed)) {
      throw metadata.unexpected(key, "a positive 32-bit number");
    }
    return narrowed;
  }

  /// The keys under which a format has the numbers that must fit each other.
  record Keys(String embeddingDim, String numHeads, String numKvHeads, String headDim) {}

  /// The dimension of a head: as stated, or the embedding shared out among the heads.
  static int headDim(Metadata metadata, Keys keys, int embeddingDim, int numHeads, int numKvHeads) {
    if (numHeads % numKvHeads != 0) {
      throw metadata.unexpected(
          keys.numKvHeads(), "a divisor of " + keys.numHeads() + ", which is " + numHeads);
    }
    int headDim;
    if (metadata.has(keys.headDim())) {
      headDim = metadata.requireInt(keys.headDim(), 2, HEAD_DIM);
      if (headDim % 2 != 0) {
        throw metadata.unexpected(keys.headDim(), "an even number");
      }
    } else {
      if (embeddingDim % numHeads != 0 || embeddingDim / numHeads % 2 != 0) {
        throw metadata.unexpected(
            keys.numHeads(),
            "a number that divides "
                + keys.embeddingDim()
                + " ("
                + embeddingDim
                + ") into heads of an even dimension");
      }
      headDim = embeddingDim / numHeads;
    }
    if ((long) numHeads * headDim > PROJECTION_DIM) {
      throw metadata.unexpected(
          keys.numHeads(),
          "at most " + PROJECTION_DIM + " for heads times head dimension (" + headDim + ")");
    }
    return headDim;
  }
}
