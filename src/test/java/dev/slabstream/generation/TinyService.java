package dev.slabstream.generation;

import dev.slabstream.config.LoadedTokenizer;
import dev.slabstream.config.TokenizerLoader;
import dev.slabstream.engine.Engine;
import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.TestBackend;
import dev.slabstream.model.TestModels;
import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.weights.Checkpoint;
import java.nio.file.Path;

/// The whole way with a tiny model of random weights: tokenizer, engine and its thread, slab. Text
/// of it is gibberish with characters that are split over tokens.
final class TinyService implements AutoCloseable {
  private static final Path MODEL = TestModels.tiny("llama-a", "Q4_0");

  private final Kernels kernels = TestBackend.SCALAR.open(1);
  private final TestModels.Loaded loaded;
  private final Tokenizer tokenizer;
  private final Engine engine;
  private final EngineGenerationService service;

  TinyService(
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer) {
    loaded = TestModels.load(MODEL, kernels, numBlocks);
    LoadedTokenizer files;
    int vocabSize = loaded.model().config().vocabSize();
    try (Checkpoint checkpoint = Checkpoint.open(MODEL)) {
      files = TokenizerLoader.load(checkpoint, vocabSize);
    }
    tokenizer = files.tokenizer();
    engine = new Engine(engineSettings, loaded.model(), loaded.slab(), System::nanoTime);
    service =
        new EngineGenerationService(
            SequenceQueue.of(engine),
            tokenizer,
            new ServedModel(
                loaded.model().config().contextLength(),
                engine.maxSequenceTokens(),
                vocabSize,
                files.endOfTextIds()),
            settings(scope),
            observer);
    engine.start();
  }

  private static GenerationSettings settings(PrefixCacheScope scope) {
    GenerationSettings d = GenerationSettings.DEFAULTS;
    return new GenerationSettings(
        d.defaultMaxNewTokens(),
        d.maxStopSequences(),
        d.maxStopLength(),
        d.maxStopTokenIds(),
        d.maxLogitBias(),
        d.maxTopNTokens(),
        d.specialTokensInInputs(),
        d.maxConcurrentRequests(),
        d.tokenizerThreads(),
        d.tokenizerQueue(),
        d.maxSessions(),
        d.sessionIdleTimeout(),
        d.streamBuffer(),
        d.slowClientTimeout(),
        scope);
  }

  EngineGenerationService service() {
    return service;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  Engine engine() {
    return engine;
  }

  KvSlab slab() {
    return loaded.slab();
  }

  /// Fails when a lease is open.
  @Override
  public void close() {
    service.close();
    engine.close();
    loaded.close();
    tokenizer.close();
    kernels.close();
  }
}
