package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.generation.EngineGenerationService;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationObserver;
import dev.slabstream.generation.GenerationSettings;
import dev.slabstream.generation.SequenceQueue;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Generates as the service does, through the same engine and the same validation, without the
/// HTTP.
@Command(
    name = "generate",
    description = "Continues a prompt and streams the text to the terminal.",
    mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
  private static final int CHUNK = 512;

  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();
  @Mixin private KernelOptions kernelOptions = new KernelOptions();
  @Mixin private CacheOptions cacheOptions = new CacheOptions();
  @Mixin private SamplingOptions samplingOptions = new SamplingOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The prompt; standard input when it is absent.")
  private @Nullable String prompt;

  @Option(names = "--ids", description = "Print token ids instead of text.")
  private boolean printsIds;

  @Option(names = "--echo", description = "Print the prompt first.")
  private boolean echo;

  @Option(
      names = "--stats",
      description = "At the end, print counts, times and the seed to standard error.")
  private boolean stats;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    GenerateParameters parameters = samplingOptions.parameters();
    String text = prompt == null ? console.readAll() : prompt;
    try (LoadedModel loaded =
            modelOptions.load(
                kernelOptions.settings(), cacheOptions.type(), maxTokens(text, parameters), CHUNK);
        EngineGenerationService service = service(loaded)) {
      loaded.engine().start();
      generate(service, new GenerateRequest(text, parameters));
    }
    return 0;
  }

  /// Not less than the positions that the request can come to need.
  private static long maxTokens(String text, GenerateParameters parameters) {
    Integer asked = parameters.maxNewTokens();
    int newTokens = asked == null ? GenerationSettings.DEFAULTS.defaultMaxNewTokens() : asked;
    return ModelOptions.atMostTokens(text) + newTokens;
  }

  private static EngineGenerationService service(LoadedModel loaded) {
    return new EngineGenerationService(
        SequenceQueue.of(loaded.engine()),
        loaded.tokenizer(),
        loaded.served(),
        GenerationSettings.DEFAULTS,
        GenerationObserver.NONE);
  }

  private void generate(EngineGenerationService service, GenerateRequest request) {
    long startNanos = System.nanoTime();
    long firstNanos = startNanos;
    if (echo) {
      console.out().print(request.inputs());
    }
    // Closing the stream cancels the request: nobody waits for text that nobody reads.
    try (Stream<GenerationEvent> events = service.generate(request, null).toStream(1)) {
      Iterator<GenerationEvent> each = events.iterator();
      while (each.hasNext() && console.isRead()) {
        switch (each.next()) {
          case GenerationEvent.Started _ -> {}
          case GenerationEvent.Token token -> {
            if (token.index() == 1) {
              firstNanos = System.nanoTime();
            }
            print(token);
          }
          case GenerationEvent.Finished finished -> {
            console.out().println();
            if (stats) {
              printStats(finished, firstNanos - startNanos, System.nanoTime() - firstNanos);
            }
          }
        }
      }
    }
  }

  private void print(GenerationEvent.Token token) {
    if (printsIds) {
      console.out().print((token.index() == 1 ? "" : ",") + token.token().id());
    } else if (!token.token().special()) {
      console.out().print(token.token().text());
    }
  }

  private void printStats(GenerationEvent.Finished finished, long firstNanos, long restNanos) {
    console
        .err()
        .printf(
            Locale.ROOT,
            "prompt %d tokens, first token after %.1f ms; generated %d tokens, %.1f/s; %s; %s%n",
            finished.inputLength(),
            firstNanos / 1e6,
            finished.generatedTokens(),
            restNanos == 0 ? 0 : (finished.generatedTokens() - 1) * 1e9 / restNanos,
            finished.reason().name().toLowerCase(Locale.ROOT),
            finished.seed() == null ? "greedy" : "seed " + finished.seed());
  }
}
