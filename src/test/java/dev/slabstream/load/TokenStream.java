package dev.slabstream.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// One streamed request, read by a thread of its own as its events come.
final class TokenStream implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Duration LIMIT = Duration.ofMinutes(5);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final long sentNanos = System.nanoTime();
  private final Thread reader;

  private long[] tokenNanos = new long[64];
  private int numTokens;
  private int inputLength;
  private String error = "";
  private long retryAfterSeconds;
  private volatile boolean left;

  private TokenStream(HttpRequest request) {
    reader = Thread.ofVirtual().start(() -> run(request));
  }

  /// Sends a request for exactly `newTokens` tokens.
  static TokenStream open(int port, String inputs, int newTokens) {
    return open(port, inputs, parameters(newTokens).put("ignore_eos", true), "");
  }

  static ObjectNode parameters(int newTokens) {
    return JSON.createObjectNode().put("max_new_tokens", newTokens).put("details", true);
  }

  /// Sends a request.
  ///
  /// @param session empty = none
  static TokenStream open(int port, String inputs, ObjectNode parameters, String session) {
    ObjectNode body = JSON.createObjectNode().put("inputs", inputs).put("stream", true);
    body.set("parameters", parameters);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/generate"))
            .header("Content-Type", "application/json")
            .timeout(LIMIT)
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)));
    if (!session.isEmpty()) {
      request.header("X-Session-Id", session);
    }
    return new TokenStream(request.build());
  }

  private void run(HttpRequest request) {
    try {
      HttpResponse<InputStream> response = HTTP.send(request, BodyHandlers.ofInputStream());
      answered(response.headers().firstValueAsLong("Retry-After").orElse(0));
      try (BufferedReader in =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        for (String line = in.readLine(); line != null && !left; line = in.readLine()) {
          // An error status has no events: its body is the error.
          if (line.startsWith("data: ") || response.statusCode() != 200) {
            event(JSON.readTree(line.substring(line.indexOf('{'))));
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      failed(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void answered(long retryAfterSeconds) {
    this.retryAfterSeconds = retryAfterSeconds;
  }

  private synchronized void event(JsonNode event) {
    if (event.has("error_type")) {
      failed(event.path("error_type").stringValue());
    }
    if (event.has("token")) {
      if (numTokens == tokenNanos.length) {
        tokenNanos = Arrays.copyOf(tokenNanos, 2 * numTokens);
      }
      tokenNanos[numTokens++] = System.nanoTime();
    }
    inputLength = event.path("details").path("input_length").asInt(inputLength);
    notifyAll();
  }

  private synchronized void failed(String what) {
    error = left ? "" : what;
    notifyAll();
  }

  /// Waits until there are `count` tokens.
  ///
  /// @throws IllegalStateException when it failed before
  TokenStream awaitTokens(int count) throws InterruptedException {
    synchronized (this) {
      while (numTokens < count && error.isEmpty()) {
        wait(LIMIT.toMillis());
      }
      if (numTokens < count) {
        throw new IllegalStateException("the stream failed: " + error);
      }
    }
    return this;
  }

  /// Waits for the end.
  Answer await() throws InterruptedException {
    reader.join();
    return soFar();
  }

  /// What came until now.
  synchronized Answer soFar() {
    return new Answer(
        sentNanos, Arrays.copyOf(tokenNanos, numTokens), inputLength, error, retryAfterSeconds);
  }

  /// Goes away in the middle.
  @Override
  public void close() throws InterruptedException {
    left = true;
    await();
  }
}
