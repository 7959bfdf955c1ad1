package dev.slabstream.load;

import dev.slabstream.deploy.LaunchedService;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Clients with short prompts and clients with long ones at the same time: the time to the first
/// token of both, beside that of each kind when nothing else runs.
///
/// Bounds: every client gets answers. A short prompt does not wait for a long one to be computed: the
/// 99th percentile of its time to the first token is at most a quarter of what a long one takes
/// alone. A long one goes on beside the short ones and the streams: none takes more than four times
/// what it takes alone, of which the other long one explains twice.
final class MixedLoad {
  /// @param clients at once
  private record Kind(String name, int clients, int promptTokens, int newTokens) {}

  /// Times to the first token, but for the gap: between tokens.
  private record Measured(
      Kind kind,
      int answers,
      int leastAnswersOfAClient,
      double medianAloneMillis,
      double medianMillis,
      double p99Millis,
      double mostMillis,
      double medianGapMillis) {}

  private static final double MAX_SHORT_OF_LONG_ALONE = 0.25;
  private static final double MAX_LONG_OF_ALONE = 4;
  private static final Duration ALONE = Duration.ofSeconds(5);

  private final int port;
  private final List<Kind> kinds;
  private final Prompts prompts = new Prompts(2);

  private MixedLoad(int port, int promptTokens) {
    this.port = port;
    kinds = List.of(new Kind("short", 6, 40, 64), new Kind("long", 2, promptTokens, 64));
  }

  /// @param args seconds; tokens of a long prompt; then settings of the service
  public static void main(String[] args) throws Exception {
    Duration duration = Duration.ofSeconds(Integer.parseInt(args[0]));
    int promptTokens = Integer.parseInt(args[1]);
    String[] settings = Arrays.copyOfRange(args, 2, args.length);
    Files.createDirectories(Report.FOLDER);
    try (LaunchedService service =
        LaunchedService.ready(Report.FOLDER.resolve("mixed-load.log"), settings)) {
      new MixedLoad(service.port(), promptTokens).run(duration);
    }
  }

  private void run(Duration duration) throws Exception {
    List<Millis> alone = new ArrayList<>();
    for (Kind kind : kinds) {
      try (ClosedLoop one = new ClosedLoop(1, ALONE, () -> send(kind))) {
        alone.add(Answer.firstTokens(one.answers().getFirst()));
      }
    }
    List<ClosedLoop> loops =
        kinds.stream()
            .map(kind -> new ClosedLoop(kind.clients, duration, () -> send(kind)))
            .toList();
    Report report = new Report("mixed-load");
    List<Measured> all = new ArrayList<>();
    for (int k = 0; k < kinds.size(); k++) {
      Kind kind = kinds.get(k);
      List<List<Answer>> clients;
      try (ClosedLoop loop = loops.get(k)) {
        clients = loop.answers();
      }
      List<Answer> answers = clients.stream().flatMap(List::stream).toList();
      int least = clients.stream().mapToInt(List::size).min().orElseThrow();
      Millis times = Answer.firstTokens(answers);
      all.add(
          new Measured(
              kind,
              answers.size(),
              least,
              alone.get(k).median(),
              times.median(),
              times.p99(),
              times.most(),
              Answer.gaps(answers).median()));
      report.bound(least > 0, "a client with %s prompts got no answer".formatted(kind.name));
      for (Answer answer : answers) {
        report.bound(answer.isGood(), "a stream failed: %s".formatted(answer.error()));
      }
    }
    double longAlone = alone.getLast().median();
    report.bound(
        all.getFirst().p99Millis <= MAX_SHORT_OF_LONG_ALONE * longAlone,
        "p99 of short prompts %.0f ms; a long one alone takes %.0f"
            .formatted(all.getFirst().p99Millis, longAlone));
    report.bound(
        all.getLast().mostMillis <= MAX_LONG_OF_ALONE * longAlone,
        "a long prompt took %.0f ms; alone %.0f".formatted(all.getLast().mostMillis, longAlone));
    report.end(all);
  }

  private List<Answer> send(Kind kind) throws InterruptedException {
    String prompt;
    synchronized (prompts) {
      prompt = prompts.next(kind.promptTokens);
    }
    return List.of(TokenStream.open(port, prompt, kind.newTokens).await());
  }
}
