package dev.slabstream.cli;

import dev.slabstream.tensor.Tensor;
import java.util.Map;

/// Sizes of the weights, as they are in the file.
///
/// @param perToken bytes that computing one token reads: of a table that is only looked up, nothing
record WeightSizes(long parameters, long bytes, long perToken) {
  static WeightSizes of(Map<String, Tensor> tensors) {
    boolean tied = tensors.keySet().stream().noneMatch(WeightSizes::isHead);
    long parameters = 0;
    long bytes = 0;
    long perToken = 0;
    for (Tensor tensor : tensors.values()) {
      long size = tensor.data().byteSize();
      parameters += tensor.numElements();
      bytes += size;
      perToken += isLookedUpOnly(tensor.name(), tied) ? 0 : size;
    }
    return new WeightSizes(parameters, bytes, perToken);
  }

  private static boolean isHead(String name) {
    return name.equals("output.weight") || name.equals("lm_head.weight");
  }

  private static boolean isLookedUpOnly(String name, boolean tied) {
    boolean isPositions = name.equals("position_embd.weight") || name.endsWith("wpe.weight");
    boolean isEmbedding =
        name.equals("token_embd.weight")
            || name.endsWith("embed_tokens.weight")
            || name.endsWith("wte.weight");
    return isPositions || isEmbedding && !tied;
  }
}
