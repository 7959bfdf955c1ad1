package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.ResetFill;
import dev.slabstream.kvcache.SlabMemory;
import dev.slabstream.tensor.KvType;
import dev.slabstream.weights.Checkpoint;
import java.nio.file.Path;

/// Models for tests: the tiny ones of the reference load in milliseconds.
///
/// ```java
/// try (Kernels kernels = TestKernels.SCALAR.open(1);
///     TestModels.Loaded loaded = TestModels.load(TestModels.tiny("llama-a", "Q4_0"), kernels, 64)) {
///   loaded.model().forward(…);
/// }
/// ```
public final class TestModels {
  private static final Path REFERENCE = Path.of("src/test/resources/reference");
  private static final int BLOCK_TOKENS = 16;

  private TestModels() {}

  /// A model with a slab whose free blocks are full of NaN. Owns both; the kernels are the
  /// caller's.
  public record Loaded(LanguageModel model, KvSlab slab) implements AutoCloseable {
    @Override
    public void close() {
      model.close();
      slab.close();
    }
  }

  /// A file or folder of the reference data: `malformed/valid/llama.gguf`.
  public static Path reference(String name) {
    return REFERENCE.resolve(name);
  }

  /// A tiny model: `llama-a`, `gpt2-a`, `qwen3-a`, …; as GGUF of a type (`Q4_0`, `F32`, …) or as
  /// folder (`hf`).
  public static Path tiny(String model, String tag) {
    String file = tag.startsWith("hf") ? tag : model + "-" + tag + ".gguf";
    return reference("tiny/" + model).resolve(file);
  }

  /// The embedded model.
  public static Path smolLm2() {
    return Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf");
  }

  /// Loads `path` and lays out a slab of `numBlocks` blocks of 16 tokens, of 32-bit floats, for it.
  public static Loaded load(Path path, Kernels kernels, int numBlocks) {
    return load(path, kernels, numBlocks, KvType.F32);
  }

  /// As above, with another type of keys and values.
  public static Loaded load(Path path, Kernels kernels, int numBlocks, KvType type) {
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      LanguageModel model = LanguageModel.load(checkpoint, kernels);
      return new Loaded(model, slab(model.config(), numBlocks, type));
    }
  }

  private static KvSlab slab(ModelConfig config, int numBlocks, KvType type) {
    var layout = config.kvLayout(numBlocks, BLOCK_TOKENS, type);
    return new KvSlab(layout, SlabMemory.plain(layout.slabBytes()), ResetFill.NAN);
  }
}
