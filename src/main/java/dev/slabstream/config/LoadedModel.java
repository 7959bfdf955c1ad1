package dev.slabstream.config;

import dev.slabstream.engine.Engine;
import dev.slabstream.engine.EngineEvents;
import dev.slabstream.generation.ServedModel;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvPlan;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.kvcache.SlabMemory;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A model with everything that runs it: kernels, weights, tokenizer, slab, engine. Made by one
/// thread, without Spring; what it holds keeps its own rules about threads. Closing ends the
/// engine, gives the slab back, and frees the weights; closing twice is harmless.
///
/// The engine has no thread until somebody starts it: a command line may call the model itself.
public final class LoadedModel implements AutoCloseable {
  private final Path path;
  private final Kernels kernels;
  private final LanguageModel model;
  private final LoadedTokenizer tokenizer;
  private final KvSlab slab;
  private final KvPlan slabPlan;
  private final Engine engine;
  private final ElementType quantization;
  private final long weightsBytes;
  private final Map<String, Double> secondsByPhase;
  private boolean closed;

  private LoadedModel(Loading loading, KvSlab slab, Engine engine) {
    this.path = loading.path;
    this.kernels = loading.kernels();
    this.model = loading.model();
    this.tokenizer = loading.tokenizer();
    this.slab = slab;
    this.slabPlan = loading.plan();
    this.engine = engine;
    this.quantization = loading.quantization;
    this.weightsBytes = kernels.packedBytes();
    this.secondsByPhase = loading.times.secondsByPhase();
  }

  /// Loads a model that nobody watches.
  ///
  /// @throws ModelUnusableException when the files cannot be used, or the slab or the kernels
  ///     cannot be had
  public static LoadedModel load(Path path, LoadSettings settings) {
    return load(path, settings, LoadProgress.SILENT, EngineEvents.NONE, LoadedModel::rethrow);
  }

  /// @param events is told what the engine does
  /// @param fatalHandler see [Engine]
  /// @throws ModelUnusableException when the files cannot be used, or the slab or the kernels
  ///     cannot be had
  public static LoadedModel load(
      Path path,
      LoadSettings settings,
      LoadProgress progress,
      EngineEvents events,
      Consumer<Throwable> fatalHandler) {
    return load(path, settings, Kernels::open, progress, events, fatalHandler);
  }

  /// @param openKernels `Kernels::open`, or what a test has in its place
  static LoadedModel load(
      Path path,
      LoadSettings settings,
      Function<KernelSettings, Kernels> openKernels,
      LoadProgress progress,
      EngineEvents events,
      Consumer<Throwable> fatalHandler) {
    Loading loading = new Loading(path, settings, openKernels, progress);
    try {
      loading.run();
      KvSlab slab = loading.slab();
      Engine engine =
          new Engine(
              settings.engine(), loading.model(), slab, System::nanoTime, events, fatalHandler);
      return new LoadedModel(loading, slab, engine);
    } catch (RuntimeException | OutOfMemoryError e) {
      loading.abandon();
      throw ModelUnusableException.of(path, e);
    }
  }

  public Path path() {
    return path;
  }

  public ModelConfig config() {
    return model.config();
  }

  public Kernels kernels() {
    return kernels;
  }

  public LanguageModel model() {
    return model;
  }

  /// The tokenizer, the ids that end a text, and the source of the chat template.
  public LoadedTokenizer loadedTokenizer() {
    return tokenizer;
  }

  public Tokenizer tokenizer() {
    return tokenizer.tokenizer();
  }

  public KvSlab slab() {
    return slab;
  }

  /// How large the slab is, and why.
  public KvPlan slabPlan() {
    return slabPlan;
  }

  public Engine engine() {
    return engine;
  }

  /// What a request has to fit into.
  public ServedModel served() {
    return new ServedModel(
        config().contextLength(),
        engine.maxSequenceTokens(),
        config().vocabSize(),
        tokenizer.endOfTextIds());
  }

  /// The type that most of the weights are stored in.
  public ElementType quantization() {
    return quantization;
  }

  /// Bytes of the packed weights, as they lie in memory.
  public long weightsBytes() {
    return weightsBytes;
  }

  /// How long each phase of loading took, in seconds, in order.
  public Map<String, Double> secondsByPhase() {
    return secondsByPhase;
  }

  /// Ends the engine, which gives back every lease; then frees slab, model, kernels and tokenizer.
  @Override
  public void close() {
    if (!closed) {
      engine.close();
      free();
    }
  }

  /// As [#close()], but gives the engine's current step `limit` at most. If it takes longer, nothing
  /// is freed, as the step may still use it.
  ///
  /// @return whether all is closed
  boolean close(Duration limit) {
    if (!closed && engine.close(limit)) {
      free();
    }
    return closed;
  }

  private void free() {
    closed = true;
    slab.close();
    model.close();
    kernels.close();
    tokenizer.tokenizer().close();
  }

  private static void rethrow(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    throw new IllegalStateException(e);
  }

  /// One attempt to load: holds the parts until all are there, and gives them back if that does not
  /// happen.
  private static final class Loading {
    private final Path path;
    private final LoadSettings settings;
    private final Function<KernelSettings, Kernels> openKernels;
    private final LoadProgress progress;
    private final LoadTimes times = new LoadTimes();
    private ElementType quantization = ElementType.F32;
    private @Nullable KvPlan plan;
    private @Nullable CompletableFuture<SlabMemory> slabMemory;
    private @Nullable Kernels kernels;
    private @Nullable LanguageModel model;
    private @Nullable LoadedTokenizer tokenizer;
    private @Nullable KvSlab slab;

    Loading(
        Path path,
        LoadSettings settings,
        Function<KernelSettings, Kernels> openKernels,
        LoadProgress progress) {
      this.path = path;
      this.settings = settings;
      this.openKernels = openKernels;
      this.progress = progress;
    }

    /// The slab is allocated beside the loading of the weights: ND4J takes seconds to come up.
    void run() {
      progress.begin("opening the model");
      try (Checkpoint checkpoint = Checkpoint.open(path)) {
        ModelConfig config = ModelConfig.read(checkpoint);
        quantization = mostUsedType(checkpoint);
        plan =
            SlabSizing.plan(
                config, SlabSizing.packedBytes(checkpoint, settings.kernels()), settings);
        times.end("open");
        slabMemory = CompletableFuture.supplyAsync(this::allocate, LoadedModel::newThread);

        progress.begin("starting the kernels");
        kernels = openKernels.apply(settings.kernels());
        times.end("kernels");

        progress.begin("loading the weights");
        model = LanguageModel.load(checkpoint, kernels);
        times.end("weights");

        progress.begin("loading the tokenizer");
        tokenizer = TokenizerLoader.load(checkpoint, config.vocabSize());
        times.end("tokenizer");
      }
      progress.begin("allocating the slab");
      slab = new KvSlab(plan().layout(), join(require(slabMemory)), settings.resetFill());
      times.end("slab");
    }

    private static ElementType mostUsedType(Checkpoint checkpoint) {
      Map<ElementType, Long> bytesByType = new EnumMap<>(ElementType.class);
      for (Tensor tensor : checkpoint.tensors().values()) {
        bytesByType.merge(tensor.type(), tensor.data().byteSize(), Long::sum);
      }
      return bytesByType.entrySet().stream()
          .max(Comparator.comparingLong(Map.Entry::getValue))
          .map(Map.Entry::getKey)
          .orElse(ElementType.F32);
    }

    private SlabMemory allocate() {
      long bytes = plan().layout().slabBytes();
      return switch (settings.slabMemory()) {
        case ND4J -> SlabMemory.nd4j(bytes);
        case PLAIN -> SlabMemory.plain(bytes);
      };
    }

    /// Gives back what is there.
    void abandon() {
      if (slab != null) {
        slab.close();
      } else if (slabMemory != null) {
        // It may still be under way, and is closed whenever it comes.
        var unused = slabMemory.thenAccept(SlabMemory::close);
      }
      if (model != null) {
        model.close();
      }
      if (kernels != null) {
        kernels.close();
      }
      if (tokenizer != null) {
        tokenizer.tokenizer().close();
      }
    }

    KvPlan plan() {
      return require(plan);
    }

    Kernels kernels() {
      return require(kernels);
    }

    LanguageModel model() {
      return require(model);
    }

    LoadedTokenizer tokenizer() {
      return require(tokenizer);
    }

    KvSlab slab() {
      return require(slab);
    }

    private static <T> T require(@Nullable T part) {
      if (part == null) {
        throw new IllegalStateException("not loaded yet");
      }
      return part;
    }

    private static SlabMemory join(CompletableFuture<SlabMemory> memory) {
      try {
        return memory.join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw new IllegalStateException("the slab cannot be allocated", e.getCause());
      }
    }
  }

  private static void newThread(Runnable task) {
    Thread.ofPlatform().name("slabstream-slab").daemon().start(task);
  }
}
