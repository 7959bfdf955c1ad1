package dev.slabstream.config;

import dev.slabstream.api.ServiceInfo;
import dev.slabstream.engine.EngineEvents;
import dev.slabstream.generation.EngineGenerationService;
import dev.slabstream.generation.GenerationObserver;
import dev.slabstream.generation.GenerationService.ServiceLimits;
import dev.slabstream.generation.GenerationSettings;
import dev.slabstream.generation.SequenceQueue;
import dev.slabstream.kernel.KernelInfo;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.observability.MeteredParts;
import dev.slabstream.tokenizer.Tokenizer;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/// Makes the parts of the service out of its settings. Not final, so that a test can have other
/// kernels, or another tokenizer.
class ServiceAssembly {
  private static final int MAX_STOP_LENGTH = 256;
  private static final int MAX_STOP_TOKEN_IDS = 64;
  private static final int MAX_LOGIT_BIAS = 1024;
  private static final int TOKENIZER_THREADS = 1;

  private final SlabstreamProperties properties;
  private final String version;

  ServiceAssembly(SlabstreamProperties properties, String version) {
    this.properties = properties;
    this.version = version;
  }

  /// @throws ModelUnusableException when there is no model, or it cannot be used
  LoadedModel load(LoadProgress progress, EngineEvents events, Consumer<Throwable> fatalHandler) {
    return LoadedModel.load(
        ModelPath.find(properties.model().path()),
        properties.loadSettings(),
        this::openKernels,
        progress,
        events,
        fatalHandler);
  }

  Kernels openKernels(KernelSettings settings) {
    return Kernels.open(settings);
  }

  Tokenizer tokenizer(LoadedModel loaded) {
    return loaded.tokenizer();
  }

  EngineGenerationService generation(LoadedModel loaded, GenerationObserver observer) {
    return new EngineGenerationService(
        SequenceQueue.of(loaded.engine()),
        tokenizer(loaded),
        loaded.served(),
        generationSettings(),
        observer);
  }

  private GenerationSettings generationSettings() {
    SlabstreamProperties.Generation generation = properties.generation();
    int maxConcurrentRequests = properties.engine().maxRunning() + properties.engine().maxQueue();
    return new GenerationSettings(
        generation.defaultMaxNewTokens(),
        generation.maxStopSequences(),
        MAX_STOP_LENGTH,
        MAX_STOP_TOKEN_IDS,
        MAX_LOGIT_BIAS,
        generation.maxTopNTokens(),
        generation.specialTokensInPrompt(),
        maxConcurrentRequests,
        TOKENIZER_THREADS,
        properties.engine().maxQueueTime(),
        properties.engine().requestTimeout(),
        properties.session().max(),
        properties.session().idleTimeout(),
        properties.api().streamBuffer(),
        properties.api().slowClientTimeout(),
        properties.prefixCache().scope());
  }

  MeteredParts metered(
      LoadedModel loaded, EngineGenerationService service, Map<String, Double> startupSeconds) {
    KernelInfo kernels = loaded.kernels().info();
    return new MeteredParts(
        loaded.engine()::stats,
        loaded.engine()::silence,
        loaded.engine().gate()::stats,
        loaded.slab()::stats,
        service::sessionStats,
        new MeteredParts.ModelFacts(
            loaded.config().name(),
            label(loaded.config().architecture()),
            loaded.quantization().name(),
            label(kernels.backend()),
            kernels.vectorBits(),
            kernels.threads()),
        startupSeconds);
  }

  ServiceInfo info(LoadedModel loaded, EngineGenerationService service) {
    ServiceLimits limits = service.limits();
    ModelConfig config = loaded.config();
    KernelInfo kernels = loaded.kernels().info();
    return new ServiceInfo(
        config.name(),
        null,
        label(loaded.quantization()),
        "cpu",
        "text-generation",
        limits.maxConcurrentRequests(),
        1,
        limits.maxStopSequences(),
        limits.maxInputTokens(),
        limits.maxTotalTokens(),
        TOKENIZER_THREADS,
        1,
        "slabstream",
        version,
        null,
        null,
        label(config.architecture()),
        config.contextLength(),
        config.vocabSize(),
        loaded.quantization().name(),
        loaded.weightsBytes(),
        limits.defaultMaxNewTokens(),
        limits.maxTopNTokens(),
        label(kernels.backend()),
        kernels.reason(),
        kernels.vectorBits(),
        kernels.threads(),
        kernels.deterministic(),
        loaded.slab().layout().slabBytes(),
        loaded.slabPlan().numTokens(),
        loaded.slab().layout().blockTokens(),
        label(loaded.slab().layout().type()),
        label(properties.prefixCache().scope()));
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
