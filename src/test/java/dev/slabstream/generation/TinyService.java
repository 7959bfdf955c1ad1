package dev.slabstream.generation;

import dev.slabstream.config.LoadedTokenizer;
import dev.slabstream.config.TokenizerLoader;
import dev.slabstream.engine.Engine;
import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.TestBackend;
import dev.slabstream.model.TestModels;
import dev.slabstream.tensor.KvType;
import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;

/// The whole way with a model, by default a tiny one of random weights: tokenizer, engine and its
/// thread, slab. Text of that is gibberish with characters that are split over tokens.
final class TinyService implements AutoCloseable {
  /// @param vectorBits 0 = the machine's
  record Setup(Path model, KvType cache, TestBackend backend, int threads, int vectorBits) {
    static final Setup PLAIN =
        new Setup(TestModels.tiny("llama-a", "Q4_0"), KvType.F32, TestBackend.SCALAR, 1, 0);
  }

  /// Of time, for requests: how long they take here is the machine's affair.
  private static final Duration NO_LIMIT = Duration.ofHours(1);

  private final Kernels kernels;
  private final TestModels.Loaded loaded;
  private final ServedModel served;
  private final Tokenizer tokenizer;
  private final Engine engine;
  private final EngineGenerationService service;

  TinyService(
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer) {
    this(Setup.PLAIN, engineSettings, numBlocks, scope, observer);
  }

  TinyService(
      Setup setup,
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer) {
    this(setup, engineSettings, numBlocks, scope, observer, tokenizer -> tokenizer);
  }

  /// @param computing what computes in place of the setup's kernels
  TinyService(
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer,
      UnaryOperator<Kernels> computing) {
    this(
        Setup.PLAIN, engineSettings, numBlocks, scope, observer, tokenizer -> tokenizer, computing);
  }

  /// @param tokenizing what tokenizes in place of the model's tokenizer
  TinyService(
      Setup setup,
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer,
      UnaryOperator<Tokenizer> tokenizing) {
    this(setup, engineSettings, numBlocks, scope, observer, tokenizing, kernels -> kernels);
  }

  private TinyService(
      Setup setup,
      EngineSettings engineSettings,
      int numBlocks,
      PrefixCacheScope scope,
      GenerationObserver observer,
      UnaryOperator<Tokenizer> tokenizing,
      UnaryOperator<Kernels> computing) {
    kernels = computing.apply(setup.backend.open(setup.threads, setup.vectorBits));
    loaded = TestModels.load(setup.model, kernels, numBlocks, setup.cache);
    LoadedTokenizer files;
    int vocabSize = loaded.model().config().vocabSize();
    try (Checkpoint checkpoint = Checkpoint.open(setup.model)) {
      files = TokenizerLoader.load(checkpoint, vocabSize);
    }
    tokenizer = files.tokenizer();
    engine = new Engine(engineSettings, loaded.model(), loaded.slab(), System::nanoTime);
    served =
        new ServedModel(
            loaded.model().config().contextLength(),
            engine.maxSequenceTokens(),
            vocabSize,
            files.endOfTextIds());
    service =
        new EngineGenerationService(
            SequenceQueue.of(engine),
            tokenizing.apply(tokenizer),
            served,
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
        NO_LIMIT,
        NO_LIMIT,
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

  ServedModel served() {
    return served;
  }

  int vectorBits() {
    return kernels.info().vectorBits();
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
