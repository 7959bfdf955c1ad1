package dev.slabstream.model;

/// The dimensions of a model, read from its file and checked.
///
/// @param name what the file calls it, for `/info` and logs
/// @param contextLength the most positions the model was made for
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

  /// The window of layer `layer`; 0 = it sees everything before.
  public int windowOf(int layer) {
    return layer >= windowedFromLayer ? slidingWindow : 0;
  }

  /// Positions that some layer still needs: the window when every layer has one, else 0 (all of them).
  public int cacheWindow() {
    return windowedFromLayer == 0 ? slidingWindow : 0;
  }
}
