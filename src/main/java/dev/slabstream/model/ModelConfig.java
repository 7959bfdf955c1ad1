package dev.slabstream.model;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import dev.slabstream.weights.Checkpoint;

/// The dimensions of a model, read from its file and checked: a value that is here can be computed
/// with.
///
/// @param name what the file calls it, for `/info` and logs
/// @param contextLength the most positions the model was made for
/// @param ropeTheta base of the rotary frequencies; not used by GPT-2, which learns its positions
/// @param ropeScaling factors that divide the inverse frequencies, `[headDim / 2]`, or empty
/// @param slidingWindow how many positions a windowed layer sees; 0 when no layer has a window
/// @param windowedFromLayer layers with this index and above are windowed (0 = all of them)
public record ModelConfig(
    Architecture architecture,
    String name,
    int numLayers,
    int embeddingDim,
    int numHeads,
    int numKvHeads,
    int headDim,
    int feedForwardDim,
    int vocabSize,
    int contextLength,
    float normEps,
    float ropeTheta,
    float[] ropeScaling,
    int slidingWindow,
    int windowedFromLayer) {

  public enum Architecture {
    GPT2,
    LLAMA,
    QWEN3
  }

  public ModelConfig {
    requirePositive("numLayers", numLayers);
    requirePositive("embeddingDim", embeddingDim);
    requirePositive("numHeads", numHeads);
    requirePositive("numKvHeads", numKvHeads);
    requirePositive("headDim", headDim);
    requirePositive("feedForwardDim", feedForwardDim);
    requirePositive("vocabSize", vocabSize);
    requirePositive("contextLength", contextLength);
    if (numHeads % numKvHeads != 0) {
      throw new IllegalArgumentException(
          "numHeads must be a multiple of numKvHeads " + numKvHeads + "; got " + numHeads);
    }
    if (ropeScaling.length != 0 && ropeScaling.length != headDim / 2) {
      throw new IllegalArgumentException(
          "ropeScaling must be empty or [" + headDim / 2 + "]; got [" + ropeScaling.length + "]");
    }
    if (slidingWindow < 0 || windowedFromLayer < 0) {
      throw new IllegalArgumentException(
          "slidingWindow and windowedFromLayer must not be negative; got "
              + slidingWindow
              + " and "
              + windowedFromLayer);
    }
    ropeScaling = ropeScaling.clone();
  }

  /// Reads the description of `checkpoint` and checks every number of it.
  ///
  /// @throws dev.slabstream.weights.MalformedModelException when a number is missing, out of range
  ///     or contradicts another, and when the model needs something that is not supported
  public static ModelConfig read(Checkpoint checkpoint) {
    return switch (checkpoint.format()) {
      case GGUF -> GgufConfig.read(checkpoint);
      case HUGGING_FACE -> HuggingFaceConfig.read(checkpoint);
    };
  }

  /// The window of layer `layer`; 0 = it sees everything before.
  public int windowOf(int layer) {
    return layer >= windowedFromLayer ? slidingWindow : 0;
  }

  /// Positions that some layer still needs: the window when every layer has one, else 0 (all of
  /// them).
  public int cacheWindow() {
    return windowedFromLayer == 0 ? slidingWindow : 0;
  }

  /// Queries, keys and values of one token side by side.
  int qkvDim() {
    return (numHeads + 2 * numKvHeads) * headDim;
  }

  /// The layout of a slab of `numBlocks` blocks of `blockTokens` positions for this model.
  public KvLayout kvLayout(int numBlocks, int blockTokens, KvType type) {
    return new KvLayout(numLayers, numBlocks, numKvHeads, headDim, blockTokens, type);
  }

  private static void requirePositive(String name, int value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive; got " + value);
    }
  }
}
