package dev.slabstream.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpServer;
import dev.slabstream.deploy.LaunchedService;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Equal requests one after the other from the moment on at which the service says that it is ready:
/// how the first ones compare with the last ones.
///
/// Bounds, which a service without a warm-up breaks: the first request's first
/// token takes at most 3 times the median of the last half, and its other tokens come at 0.4 times
/// their rate or more.
final class FirstRequests {
  private static final int PROMPT_TOKENS = 40;
  private static final int NEW_TOKENS = 40;
  private static final int CLIENT_WARM_UP_REQUESTS = 50;
  private static final double MAX_FIRST_TOKEN_RATIO = 3;
  private static final double MIN_RATE_RATIO = 0.4;

  /// All in the order in which they were sent, but for what the last half gives.
  private record Measured(
      double[] firstTokenMillis,
      double[] tokensPerSecond,
      double lastFirstTokenMillis,
      double lastTokensPerSecond) {}

  private FirstRequests() {}

  /// @param args number of requests; then settings of the service
  public static void main(String[] args) throws Exception {
    int numRequests = Integer.parseInt(args[0]);
    String[] settings = Arrays.copyOfRange(args, 1, args.length);
    Files.createDirectories(Report.FOLDER);
    warmTheClientUp();
    try (LaunchedService service =
        LaunchedService.ready(Report.FOLDER.resolve("first-requests.log"), settings)) {
      Prompts prompts = new Prompts(1);
      List<Answer> answers = new ArrayList<>();
      for (int i = 0; i < numRequests; i++) {
        String prompt = prompts.next(PROMPT_TOKENS);
        answers.add(
            TokenStream.open(service.port(), prompt, NEW_TOKENS).awaitTokens(NEW_TOKENS).await());
      }
      report(answers);
    }
  }

  /// Streams from a server of its own: the client's first request would else take longer than the service's.
  private static void warmTheClientUp() throws Exception {
    byte[] events = "data: {\"token\": {\"id\": 1}}\n\n".repeat(NEW_TOKENS).getBytes(UTF_8);
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/generate",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, events.length);
          exchange.getResponseBody().write(events);
          exchange.close();
        });
    server.start();
    try {
      Prompts prompts = new Prompts(2);
      for (int i = 0; i < CLIENT_WARM_UP_REQUESTS; i++) {
        int port = server.getAddress().getPort();
        TokenStream.open(port, prompts.next(PROMPT_TOKENS), NEW_TOKENS).await();
      }
    } finally {
      server.stop(0);
    }
  }

  private static void report(List<Answer> answers) throws Exception {
    List<Answer> last = answers.subList(answers.size() / 2, answers.size());
    Measured measured =
        new Measured(
            answers.stream().mapToDouble(answer -> answer.firstTokenNanos() / 1e6).toArray(),
            answers.stream().mapToDouble(FirstRequests::tokensPerSecond).toArray(),
            Answer.firstTokens(last).median(),
            median(last.stream().mapToDouble(FirstRequests::tokensPerSecond).toArray()));
    double firstToken = measured.firstTokenMillis[0] / measured.lastFirstTokenMillis;
    double rate = measured.tokensPerSecond[0] / measured.lastTokensPerSecond;
    Report report = new Report("first-requests");
    report.bound(
        firstToken <= MAX_FIRST_TOKEN_RATIO,
        "the first request's first token took %.1f times as long as later ones'; at most %.1f"
            .formatted(firstToken, MAX_FIRST_TOKEN_RATIO));
    report.bound(
        rate >= MIN_RATE_RATIO,
        "the first request's tokens came at %.2f times the later ones' rate; at least %.1f"
            .formatted(rate, MIN_RATE_RATIO));
    report.end(measured);
  }

  private static double tokensPerSecond(Answer answer) {
    long[] at = answer.tokenNanos();
    return (at.length - 1) * 1e9 / (at[at.length - 1] - at[0]);
  }

  private static double median(double[] values) {
    return Arrays.stream(values).sorted().toArray()[values.length / 2];
  }
}
