package dev.slabstream.config;

import static dev.slabstream.config.RunningService.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.mock.env.MockEnvironment;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/// Requests of our own, before there are others.
final class HttpRehearsalIT {
  private static HttpRehearsal rehearsal(ServiceGate gate, int port) {
    return new HttpRehearsal(
        gate, new MockEnvironment().withProperty("local.server.port", Integer.toString(port)));
  }

  @Test
  void bothWaysToAnswerAreTakenWhileTheGateIsShutForOthers()
      throws IOException, InterruptedException {
    FakeGeneration rehearsed = new FakeGeneration();
    List<String> others = Collections.synchronizedList(new ArrayList<>());
    try (EdgeServer server = EdgeServer.loading()) {
      rehearsed.play(
          Mono.fromRunnable(() -> others.add(post(server, "X-Session-Id: somebody")))
              // Not on the server's own thread, which may be the one that has to answer.
              .subscribeOn(Schedulers.boundedElastic())
              .thenMany(FakeGeneration.hello(null)));
      rehearsal(server.gate(), server.port()).run(rehearsed);

      // A busy machine may answer later than the rehearsal waits.
      awaitThat("both are answered", () -> rehearsed.requests.size() == 2 && others.size() == 2);
      assertThat(rehearsed.lastSession).isNull();
      assertThat(others).hasSize(2).allMatch(reply -> reply.contains("\"error_type\":\"loading\""));
      assertThat(post(server, "X-Other: none")).contains("\"error_type\":\"loading\"");
    }
  }

  @Test
  void serviceThatEndsTakesNone() throws IOException {
    FakeGeneration rehearsed = new FakeGeneration();
    try (EdgeServer server = EdgeServer.loading()) {
      server.drain();
      rehearsal(server.gate(), server.port()).run(rehearsed);
      assertThat(rehearsed.requests).isEmpty();
    }
  }

  @Test
  void portThatDoesNotAnswerIsNoFailure() throws IOException {
    FakeGeneration rehearsed = new FakeGeneration();
    // Bound, so that nobody else has it, and not listened at.
    try (Socket nobody = new Socket()) {
      nobody.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      assertThatCode(() -> rehearsal(new ServiceGate(), nobody.getLocalPort()).run(rehearsed))
          .doesNotThrowAnyException();
    }
    assertThat(rehearsed.requests).isEmpty();
  }

  private static String post(EdgeServer server, String header) {
    try (RawHttp http = new RawHttp(server.port())) {
      http.send(
          "POST",
          "/generate",
          "{\"inputs\":\"a\",\"parameters\":{\"details\":false,\"decoder_input_details\":false}}"
              .getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json",
          "Connection: close",
          header);
      return http.readReply().body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
