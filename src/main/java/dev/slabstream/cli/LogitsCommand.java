package dev.slabstream.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.slabstream.config.LoadedModel;
import dev.slabstream.kernel.KernelInfo;
import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.model.LogitsSink;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// What the model thinks of each next token: made to be compared with the output of another
/// implementation.
@Command(
    name = "logits",
    header = "Continues a prompt greedily and shows the model's view of each step.",
    description = {
      "Prints JSON: for each step the token, its log-probability, the gap between the two largest",
      "logits, and the most likely tokens. With --force-ids the given tokens are fed instead of",
      "the chosen ones."
    },
    mixinStandardHelpOptions = true)
final class LogitsCommand implements Callable<Integer> {
  private static final int CHUNK = 512;

  private final Console console;
  @Mixin private ModelOptions modelOptions = new ModelOptions();
  @Mixin private KernelOptions kernelOptions = new KernelOptions();
  @Mixin private CacheOptions cacheOptions = new CacheOptions();

  @ArgGroup(multiplicity = "1")
  private Prompt prompt = new Prompt();

  static final class Prompt {
    @Option(names = "--ids", paramLabel = "IDS", description = "The prompt as token ids: 1,2,3.")
    private @Nullable String ids;

    @Option(
        names = {"-p", "--prompt"},
        paramLabel = "TEXT",
        description = "The prompt as text; special tokens are recognised, none is added.")
    private @Nullable String text;
  }

  @Option(
      names = {"-n", "--steps"},
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens to continue with. Default: ${DEFAULT-VALUE}")
  private int steps;

  @Option(
      names = "--force-ids",
      paramLabel = "IDS",
      description = "Tokens to continue with, one for each step.")
  private @Nullable String forcedIds;

  @Option(
      names = "--top",
      paramLabel = "N",
      defaultValue = "5",
      description = "Most likely tokens to show. Default: ${DEFAULT-VALUE}")
  private int top;

  @Option(
      names = "--prompt-logits",
      description = "Also print all logits after the prompt: float32, little-endian, base64.")
  private boolean promptLogits;

  LogitsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (LoadedModel loaded =
        modelOptions.load(kernelOptions.settings(), cacheOptions.type(), maxTokens(), CHUNK)) {
      int vocabSize = loaded.config().vocabSize();
      int[] promptIds = promptIds(loaded, vocabSize);
      int @Nullable [] forced = forcedIds == null ? null : TokenIds.parse(forcedIds, vocabSize);
      int numSteps = forced == null ? steps : forced.length;
      requireRange("--steps", numSteps, 0, loaded.config().contextLength());
      requireRange("--top", top, 0, vocabSize);
      JsonOutput.print(console, run(loaded, promptIds, forced, numSteps));
    }
    return 0;
  }

  /// Not less than the positions needed.
  private long maxTokens() {
    return ModelOptions.atMostTokens(prompt.text)
        + ModelOptions.atMostTokens(prompt.ids)
        + ModelOptions.atMostTokens(forcedIds)
        + steps;
  }

  private int[] promptIds(LoadedModel loaded, int vocabSize) {
    int[] ids =
        prompt.text != null
            ? loaded.tokenizer().encode(prompt.text, SpecialTokens.RECOGNISED)
            : TokenIds.parse(prompt.ids == null ? "" : prompt.ids, vocabSize);
    if (ids.length == 0) {
      throw new CliException(CliException.USAGE, "the prompt must have at least one token");
    }
    return ids;
  }

  private static void requireRange(String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new CliException(
          CliException.USAGE,
          "%s must be from %d to %d; got %d".formatted(option, min, max, value));
    }
  }

  /// The names are those of the reference's golden files.
  ///
  /// @param greedyIds the most likely token of each step, whether it was fed or not
  record Report(
      String model,
      String backend,
      int vectorBits,
      int threads,
      int[] promptIds,
      @JsonProperty("last_prompt_logits_f32le_b64") @Nullable String lastPromptLogits,
      int[] greedyIds,
      String greedyText,
      List<Step> steps,
      double sumLogprob,
      @Nullable Float minGap) {}

  private Report run(LoadedModel loaded, int[] promptIds, int @Nullable [] forced, int numSteps) {
    List<Step> measured = new ArrayList<>();
    int[] greedyIds = new int[numSteps];
    LastLogits last = new LastLogits(loaded.config().vocabSize());
    String afterPrompt;
    try (SingleSequence sequence = new SingleSequence(loaded, promptIds.length + numSteps, CHUNK)) {
      sequence.feed(promptIds, last);
      afterPrompt = promptLogits ? last.base64() : null;
      for (int i = 0; i < numSteps; i++) {
        greedyIds[i] = last.summary().argmax();
        int id = forced == null ? greedyIds[i] : forced[i];
        measured.add(last.step(id, top));
        if (i + 1 < numSteps) {
          sequence.feed(new int[] {id}, last);
        }
      }
    }
    KernelInfo kernels = loaded.kernels().info();
    return new Report(
        loaded.path().toString(),
        kernels.backend().name().toLowerCase(Locale.ROOT),
        kernels.vectorBits(),
        kernels.threads(),
        promptIds,
        afterPrompt,
        greedyIds,
        loaded.tokenizer().decode(greedyIds, false),
        measured,
        measured.stream().mapToDouble(Step::logprob).sum(),
        measured.stream().map(Step::gap).min(Float::compare).orElse(null));
  }

  /// @param logprob of `id`, natural logarithm
  /// @param gap the largest logit minus the second largest
  /// @param top pairs of id and log-probability, most likely first
  record Step(int id, float logprob, float gap, List<List<Number>> top) {}

  /// Keeps the last row of logits.
  private static final class LastLogits implements LogitsSink {
    private final float[] row;
    private LogitsSummary summary = new LogitsSummary(0, 0, 0, false);

    LastLogits(int vocabSize) {
      row = new float[vocabSize];
    }

    @Override
    public void accept(int slice, int token, float[] logits, int offset, LogitsSummary newSummary) {
      System.arraycopy(logits, offset, row, 0, row.length);
      summary = newSummary;
    }

    LogitsSummary summary() {
      if (!summary.finite()) {
        throw new CliException(1, "the model computed NaN or infinity");
      }
      return summary;
    }

    Step step(int id, int numTop) {
      int[] best = best(Math.max(2, numTop));
      List<List<Number>> pairs = new ArrayList<>();
      for (int i = 0; i < numTop; i++) {
        pairs.add(List.of(best[i], logprob(best[i])));
      }
      return new Step(id, logprob(id), row[best[0]] - row[best[1]], pairs);
    }

    private float logprob(int id) {
      return row[id] - summary().logSumExp();
    }

    /// The ids of the largest logits, largest first, the lower id first among equals.
    private int[] best(int count) {
      int[] best = new int[count];
      int found = 0;
      for (int id = 0; id < row.length; id++) {
        int place = found;
        while (place > 0 && row[id] > row[best[place - 1]]) {
          place--;
        }
        if (place < count) {
          int moved = Math.min(found, count - 1) - place;
          System.arraycopy(best, place, best, place + 1, moved);
          best[place] = id;
          found = Math.min(found + 1, count);
        }
      }
      return best;
    }

    String base64() {
      ByteBuffer bytes = ByteBuffer.allocate(row.length * 4).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(row);
      return Base64.getEncoder().encodeToString(bytes.array());
    }
  }
}
