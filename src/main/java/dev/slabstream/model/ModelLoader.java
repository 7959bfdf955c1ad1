package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.PackedMatrix;
import dev.slabstream.weights.Checkpoint;

/// Brings a checkpoint and kernels together to a model.
final class ModelLoader {
  private ModelLoader() {}

  static LanguageModel load(Checkpoint checkpoint, Kernels kernels) {
    ModelConfig config = ModelConfig.read(checkpoint);
    LoadProgress progress = new LoadProgress(checkpoint);
    Weights weights =
        switch (config.architecture()) {
          case GPT2 -> Gpt2.read(new Source(checkpoint, kernels, progress), config);
          case LLAMA -> Llama.read(new Source(checkpoint, kernels, progress), config);
          case QWEN3 -> Qwen3.read(new Source(checkpoint, kernels, progress), config);
        };
    progress.finish(config);
    return new Transformer(config, weights, kernels);
  }

  /// Where the weights of a model come from and go to.
  record Source(Checkpoint checkpoint, Kernels kernels, LoadProgress progress) {
    boolean isGguf() {
      return checkpoint.format() == Checkpoint.Format.GGUF;
    }

    boolean hasTensor(String name) {
      return checkpoint.tensors().containsKey(name);
    }

    /// A yes or no of `config.json`.
    boolean flag(String key, boolean fallback) {
      return checkpoint.metadata().optionalBoolean(key).orElse(fallback);
    }

    WeightReader reader(TensorNames names) {
      return new WeightReader(checkpoint, kernels, names, progress);
    }

    /// The matrix of the head: the embedding, when the configuration says that the two are tied or
    /// the file has no other.
    PackedMatrix head(WeightReader reader, PackedMatrix embedding, ModelConfig config) {
      boolean tied =
          !isGguf()
              && flag(
                  "tie_word_embeddings", config.architecture() == ModelConfig.Architecture.GPT2);
      if (tied) {
        progress.skip("lm_head.weight");
      }
      return tied || !reader.has("output")
          ? embedding
          : reader.matrix("output", config.vocabSize(), config.embeddingDim());
    }
  }
}
