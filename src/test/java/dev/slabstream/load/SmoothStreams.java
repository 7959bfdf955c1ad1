package dev.slabstream.load;

import dev.slabstream.deploy.LaunchedService;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// While some streams decode, a long prompt arrives: how the streams' tokens come before and during
/// its prefill, and how long that takes beside its time alone.
///
/// Bounds: the 99th percentile of the time between tokens during the prefill is at most 3 times the
/// median before, and the prompt loses at most a quarter of the speed that it has alone.
final class SmoothStreams {
  private static final int TOKENS_BEFORE = 60;

  /// Of a stream: more than it gets while the prompt is computed.
  private static final int NEW_TOKENS = 3_000;

  private static final double MAX_GAP_RATIO = 3;
  private static final double MAX_SPEED_LOSS = 0.25;

  private final int port;
  private final int rounds;
  private final int promptTokens;
  private final Prompts prompts = new Prompts(1);
  private final Report report = new Report("smooth-streams");

  /// With so many streams; the gaps of all rounds together, the prefill times' medians.
  ///
  /// @param promptTokens of the long prompt
  /// @param gapsDuring how many gaps lie in the prefill, at least in part
  private record Measured(
      int streams,
      int promptTokens,
      int gapsDuring,
      double medianGapBeforeMillis,
      double p99GapBeforeMillis,
      double medianGapDuringMillis,
      double p99GapDuringMillis,
      double gapRatio,
      double prefillAloneMillis,
      double prefillMillis,
      double speedLoss) {}

  private SmoothStreams(int port, int rounds, int promptTokens) {
    this.port = port;
    this.rounds = rounds;
    this.promptTokens = promptTokens;
  }

  /// @param args rounds; tokens of the long prompt; then settings of the service
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    int promptTokens = Integer.parseInt(args[1]);
    String[] settings = Arrays.copyOfRange(args, 2, args.length);
    Files.createDirectories(Report.FOLDER);
    try (LaunchedService service =
        LaunchedService.ready(Report.FOLDER.resolve("smooth-streams.log"), settings)) {
      new SmoothStreams(service.port(), rounds, promptTokens).run();
    }
  }

  private void run() throws Exception {
    List<Measured> all = new ArrayList<>();
    prefill();
    for (int streams : new int[] {1, 4, 8}) {
      Measured measured = measure(streams);
      all.add(measured);
      report.bound(
          measured.gapRatio <= MAX_GAP_RATIO,
          "%d streams: the p99 of gaps during a prefill is %.1f times the median before; at most %.0f"
              .formatted(streams, measured.gapRatio, MAX_GAP_RATIO));
      report.bound(
          measured.speedLoss <= MAX_SPEED_LOSS,
          "%d streams: the prefill loses %.0f %% of its speed alone; at most %.0f"
              .formatted(streams, measured.speedLoss * 100, MAX_SPEED_LOSS * 100));
    }
    report.end(all);
  }

  private Measured measure(int streams) throws InterruptedException {
    List<Long> before = new ArrayList<>();
    List<Long> during = new ArrayList<>();
    List<Long> alone = new ArrayList<>();
    List<Long> beside = new ArrayList<>();
    int inputLength = 0;
    for (int round = 0; round < rounds; round++) {
      alone.add(prefill().firstTokenNanos());
      List<TokenStream> running = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        running.add(TokenStream.open(port, prompts.next(40), NEW_TOKENS));
      }
      for (TokenStream stream : running) {
        stream.awaitTokens(TOKENS_BEFORE);
      }
      long fromNanos =
          running.stream().mapToLong(s -> s.soFar().tokenNanos()[0]).max().orElseThrow();
      Answer prompt = prefill();
      inputLength = prompt.inputLength();
      beside.add(prompt.firstTokenNanos());
      long firstToken = prompt.tokenNanos()[0];
      for (TokenStream stream : running) {
        long[] tokens = stream.soFar().tokenNanos();
        gaps(tokens, fromNanos, prompt.sentNanos(), before);
        gaps(tokens, prompt.sentNanos(), firstToken, during);
        stream.close();
      }
    }
    Millis gapsBefore = Millis.ofNanos(before);
    Millis gapsDuring = Millis.ofNanos(during);
    double aloneMillis = Millis.ofNanos(alone).median();
    double besideMillis = Millis.ofNanos(beside).median();
    return new Measured(
        streams,
        inputLength,
        during.size(),
        gapsBefore.median(),
        gapsBefore.p99(),
        gapsDuring.median(),
        gapsDuring.p99(),
        gapsDuring.p99() / gapsBefore.median(),
        aloneMillis,
        besideMillis,
        1 - aloneMillis / besideMillis);
  }

  /// A long prompt and its one token.
  private Answer prefill() throws InterruptedException {
    return TokenStream.open(port, prompts.next(promptTokens), 1).awaitTokens(1).await();
  }

  /// Adds the gaps between tokens that end between the two moments.
  private static void gaps(long[] tokenNanos, long from, long to, List<Long> gaps) {
    for (int i = 1; i < tokenNanos.length; i++) {
      if (tokenNanos[i] > from && tokenNanos[i] <= to) {
        gaps.add(tokenNanos[i] - tokenNanos[i - 1]);
      }
    }
  }
}
