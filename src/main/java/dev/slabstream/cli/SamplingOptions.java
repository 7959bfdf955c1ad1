package dev.slabstream.cli;

import dev.slabstream.generation.GenerateParameters;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen and when the text ends: the parameters of the API by the same names.
/// Absent means the API's default; ranges are checked where the API's are.
final class SamplingOptions {
  @Option(
      names = {"-n", "--max-new-tokens"},
      paramLabel = "N",
      description = "Tokens to generate at most. Default: 100")
  private @Nullable Integer maxNewTokens;

  @Option(names = "--sample", description = "Sample, also when no other option says so.")
  private boolean sample;

  @Option(names = "--temperature", paramLabel = "T", description = "0 = greedy.")
  private @Nullable Double temperature;

  @Option(names = "--top-k", paramLabel = "N", description = "Only the N most likely.")
  private @Nullable Integer topK;

  @Option(names = "--top-p", paramLabel = "P", description = "Only the most likely up to P.")
  private @Nullable Double topP;

  @Option(names = "--min-p", paramLabel = "P", description = "Only those P times as likely.")
  private @Nullable Double minP;

  @Option(names = "--typical-p", paramLabel = "P", description = "Only typical ones up to P.")
  private @Nullable Double typicalP;

  @Option(names = "--repetition-penalty", paramLabel = "X", description = "1 = off.")
  private @Nullable Double repetitionPenalty;

  @Option(names = "--frequency-penalty", paramLabel = "X", description = "0 = off.")
  private @Nullable Double frequencyPenalty;

  @Option(names = "--presence-penalty", paramLabel = "X", description = "0 = off.")
  private @Nullable Double presencePenalty;

  @Option(names = "--seed", paramLabel = "N", description = "The same seed, the same text.")
  private @Nullable Long seed;

  @Option(names = "--stop", paramLabel = "TEXT", description = "End at this text; may be repeated.")
  private @Nullable List<String> stop;

  @Option(names = "--stop-token-id", paramLabel = "ID", description = "End at this token.")
  private @Nullable List<Integer> stopTokenIds;

  @Option(names = "--ignore-eos", description = "Go on past the end of the text.")
  private boolean ignoreEos;

  GenerateParameters parameters() {
    return new GenerateParameters(
        maxNewTokens,
        sample ? true : null,
        temperature,
        topK,
        topP,
        minP,
        typicalP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        null,
        seed,
        stop,
        stopTokenIds,
        ignoreEos,
        null,
        null,
        null,
        null,
        null);
  }
}
