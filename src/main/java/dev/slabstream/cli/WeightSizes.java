package dev.slabstream.cli;

import dev.slabstream.config.SlabSizing;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.tensor.Tensor;
import java.util.Map;

/// Sizes of the weights.
///
/// @param fileBytes in the file
/// @param packedBytes in memory
/// @param perToken of those in memory, bytes that computing one token reads: of a table that is only looked up, nothing
record WeightSizes(long parameters, long fileBytes, long packedBytes, long perToken) {
  static WeightSizes of(Map<String, Tensor> tensors, KernelSettings kernels) {
    boolean tied = tensors.keySet().stream().noneMatch(WeightSizes::isHead);
    long parameters = 0;
    long fileBytes = 0;
    long packedBytes = 0;
    long perToken = 0;
    for (Tensor tensor : tensors.values()) {
      long size = SlabSizing.packedBytes(tensor, kernels);
      parameters += tensor.numElements();
      fileBytes += tensor.data().byteSize();
      packedBytes += size;
      perToken += isLookedUpOnly(tensor.name(), tied) ? 0 : size;
    }
    return new WeightSizes(parameters, fileBytes, packedBytes, perToken);
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
