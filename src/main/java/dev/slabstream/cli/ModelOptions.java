package dev.slabstream.cli;

import dev.slabstream.config.LoadSettings;
import dev.slabstream.config.LoadedModel;
import dev.slabstream.config.ModelPath;
import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kvcache.KvPlan;
import dev.slabstream.kvcache.ResetFill;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tensor.KvType;
import dev.slabstream.weights.Checkpoint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which model, and how a command loads it: for one sequence, with a slab no larger than that
/// needs.
final class ModelOptions {
  static final int BLOCK_TOKENS = 16;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "PATH",
      defaultValue = "${env:SLABSTREAM_MODEL_PATH:-models/SmolLM2-135M-Instruct.Q4_1.gguf}",
      description = "GGUF file or Hugging Face folder. Default: ${DEFAULT-VALUE}")
  private String model = "";

  Path path() {
    return ModelPath.find(model);
  }

  Checkpoint open() {
    return Checkpoint.open(path());
  }

  /// A bound on the tokens of a text, or of a list of ids, before there is a tokenizer: a token has
  /// at least one byte, and few more are added.
  static long atMostTokens(@Nullable String text) {
    return text == null ? 0 : text.getBytes(StandardCharsets.UTF_8).length + BLOCK_TOKENS;
  }

  /// Loads the model with room for `maxTokens` positions, or the whole context if that is less.
  ///
  /// The slab is plain memory: starting ND4J for it would take longer than most commands do.
  ///
  /// @param chunk tokens computed in one step at most
  LoadedModel load(KernelSettings kernels, KvType kvType, long maxTokens, int chunk) {
    return load(kernels, kvType, 1, maxTokens, chunk);
  }

  /// As above, with room for `numSequences` sequences of so many positions each.
  LoadedModel load(
      KernelSettings kernels, KvType kvType, int numSequences, long maxTokens, int chunk) {
    Path path = path();
    ModelConfig config;
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      config = ModelConfig.read(checkpoint);
    }
    int tokens = (int) Math.clamp(maxTokens, 1, config.contextLength());
    int numBlocks =
        Math.multiplyExact(
            numSequences, KvPlan.blocksNeeded(BLOCK_TOKENS, tokens, config.cacheWindow(), chunk));
    return LoadedModel.load(
        path,
        new LoadSettings(
            kernels,
            new EngineSettings(1, chunk, 1),
            OptionalLong.of(config.kvLayout(numBlocks, BLOCK_TOKENS, kvType).slabBytes()),
            BLOCK_TOKENS,
            kvType,
            ResetFill.KEEP,
            LoadSettings.SlabKind.PLAIN));
  }
}
