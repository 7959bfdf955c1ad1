package dev.slabstream.generation;

import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.PrefillToken;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationEvent.TokenInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// All that a client is promised to get again, one line for each event: ids, texts, the bits of
/// log-probabilities, the finish reason. How much was cached is no part of it.
///
/// @param lines each without a line break in it
record Transcript(List<String> lines) {
  static Transcript of(List<GenerationEvent> events) {
    return new Transcript(events.stream().map(Transcript::line).toList());
  }

  private static String line(GenerationEvent event) {
    return switch (event) {
      case Started started -> "started %d %s".formatted(started.inputLength(), started.seed());
      case Token token ->
          "token %d %s top %s %b"
              .formatted(
                  token.index(),
                  text(token.token()),
                  token.topTokens().stream().map(Transcript::text).toList(),
                  token.last());
      case Finished finished ->
          "finished %s %d of %d %s %s %s"
              .formatted(
                  finished.reason(),
                  finished.generatedTokens(),
                  finished.inputLength(),
                  finished.seed(),
                  quoted(finished.generatedText()),
                  finished.prefill().stream().map(Transcript::text).toList());
    };
  }

  private static String text(TokenInfo token) {
    return "%d %s %s%s"
        .formatted(
            token.id(),
            quoted(token.text()),
            bits(token.logprob()),
            token.special() ? " special" : "");
  }

  private static String text(PrefillToken token) {
    return "%d %s %s".formatted(token.id(), quoted(token.text()), bits(token.logprob()));
  }

  private static String bits(@Nullable Float value) {
    return value == null ? "none" : Integer.toHexString(Float.floatToRawIntBits(value));
  }

  private static String quoted(String text) {
    return text.codePoints()
        .mapToObj(
            c -> c < ' ' || c == '\\' || c == '"' ? "\\%x;".formatted(c) : Character.toString(c))
        .collect(Collectors.joining("", "\"", "\""));
  }

  boolean startsWith(Transcript other) {
    return lines.size() >= other.lines.size()
        && lines.subList(0, other.lines.size()).equals(other.lines);
  }

  /// Those at `path`, as [#write] left them.
  static List<Transcript> read(Path path) throws IOException {
    List<Transcript> all = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(path)) {
      lines.add(line);
      if (line.startsWith("finished ")) {
        all.add(new Transcript(List.copyOf(lines)));
        lines.clear();
      }
    }
    return all;
  }

  static void write(Path path, List<Transcript> all) throws IOException {
    Files.write(path, all.stream().flatMap(each -> each.lines.stream()).toList());
  }
}
