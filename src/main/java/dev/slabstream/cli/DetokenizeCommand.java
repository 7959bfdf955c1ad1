package dev.slabstream.cli;

import dev.slabstream.config.TokenizerLoader;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "detokenize",
    description = "Shows the text of token ids.",
    mixinStandardHelpOptions = true)
final class DetokenizeCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();

  @Parameters(
      arity = "0..*",
      paramLabel = "ID",
      description = "Ids, separated by spaces or commas; standard input when there are none.")
  private List<String> ids = new ArrayList<>();

  @Option(names = "--skip-special", description = "Leave special tokens out.")
  private boolean skipSpecial;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  DetokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (Checkpoint checkpoint = modelOptions.open()) {
      int vocabSize = ModelConfig.read(checkpoint).vocabSize();
      int[] parsed =
          TokenIds.parse(ids.isEmpty() ? console.readAll() : String.join(" ", ids), vocabSize);
      try (Tokenizer tokenizer = TokenizerLoader.load(checkpoint, vocabSize).tokenizer()) {
        String text = tokenizer.decode(parsed, skipSpecial);
        if (json) {
          JsonOutput.print(console, Map.of("text", text));
        } else {
          console.out().println(text);
        }
      }
    }
    return 0;
  }
}
