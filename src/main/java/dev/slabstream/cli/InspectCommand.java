package dev.slabstream.cli;

import dev.slabstream.weights.Checkpoint;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "inspect",
    header = "Shows what a model file holds and how much memory serving it takes.",
    description = "Dimensions, metadata, tensors and the plan for memory. Reads no weights.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();
  @Mixin private CacheOptions cacheOptions = new CacheOptions();

  @Option(names = "--tensors", description = "List every tensor, not only the types.")
  private boolean tensors;

  @Option(names = "--json", description = "Print JSON, with every tensor.")
  private boolean json;

  InspectCommand(Console console) {
    this.console = console;
  }

  /// @return 1 when the files are sound and the model is none that can be computed: everything is
  ///   shown all the same
  @Override
  public Integer call() {
    try (Checkpoint checkpoint = modelOptions.open()) {
      ModelReport report = ModelReport.of(checkpoint, cacheOptions.type());
      if (json) {
        JsonOutput.print(console, report.asMap());
      } else {
        report.print(console.out(), tensors);
      }
      report.problem().ifPresent(problem -> console.err().println("slabstream: " + problem));
      return report.problem().isPresent() ? 1 : 0;
    }
  }
}
