package dev.slabstream.cli;

import dev.slabstream.config.TokenizerLoader;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import dev.slabstream.weights.Checkpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "tokenize",
    description = "Shows the tokens of a text: id and token, one a line.",
    mixinStandardHelpOptions = true)
final class TokenizeCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "TEXT",
      description = "The text; standard input when it is absent.")
  private @Nullable String text;

  @Option(
      names = "--special-as-text",
      description = "Take special tokens in the text as text, as in a chat message.")
  private boolean specialAsText;

  @Option(names = "--add-bos", description = "Put the BOS token in front, if the model wants one.")
  private boolean addBos;

  @Option(names = "--ids", description = "Print the ids only, on one line.")
  private boolean idsOnly;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  TokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (Checkpoint checkpoint = modelOptions.open();
        Tokenizer tokenizer =
            TokenizerLoader.load(checkpoint, ModelConfig.read(checkpoint).vocabSize())
                .tokenizer()) {
      int[] ids = encode(tokenizer, text == null ? console.readAll() : text);
      if (json) {
        printJson(tokenizer, ids);
      } else if (idsOnly) {
        console
            .out()
            .println(
                IntStream.of(ids).mapToObj(Integer::toString).collect(Collectors.joining(",")));
      } else {
        for (int id : ids) {
          console.out().printf("%7d  %s%n", id, JsonOutput.compact(textOf(tokenizer, id)));
        }
      }
    }
    return 0;
  }

  private int[] encode(Tokenizer tokenizer, String input) {
    int[] ids =
        tokenizer.encode(input, specialAsText ? SpecialTokens.AS_TEXT : SpecialTokens.RECOGNISED);
    return addBos && tokenizer.bosId().isPresent()
        ? IntStream.concat(IntStream.of(tokenizer.bosId().getAsInt()), IntStream.of(ids)).toArray()
        : ids;
  }

  private void printJson(Tokenizer tokenizer, int[] ids) {
    List<String> texts = new ArrayList<>();
    for (int id : ids) {
      texts.add(textOf(tokenizer, id));
    }
    var result = new LinkedHashMap<String, Object>();
    result.put("ids", ids);
    result.put("tokens", texts);
    JsonOutput.print(console, result);
  }

  private static String textOf(Tokenizer tokenizer, int id) {
    return tokenizer.token(id).orElse("");
  }
}
