package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.config.EdgeServer;
import dev.slabstream.config.FakeGeneration;
import dev.slabstream.config.RunningService;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.generation.GenerationEvent;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/// A client of HTTP/2 that takes no more of a whole reply than its window holds: the stream is given
/// up after `slabstream.api.write-timeout`, as a connection of HTTP/1.1 is.
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class HttpTwoStalledReplyIT {
  /// Takes one piece, and the rest when told.
  private static final class Reluctant extends BaseSubscriber<ByteBuf> {
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      subscription.request(1);
    }

    @Override
    protected void hookOnError(Throwable cause) {
      failure.set(cause);
    }
  }

  private static Mono<ByteBuf> body() {
    return Mono.fromSupplier(
        () -> Unpooled.copiedBuffer("{\"inputs\":\"a\",\"stream\":false}", StandardCharsets.UTF_8));
  }

  private static Flux<GenerationEvent> longReply() {
    return Flux.just(
        new GenerationEvent.Started(5, null),
        FakeGeneration.token(1, 198, "a", -0.69f, true),
        new GenerationEvent.Finished(
            "a".repeat(4 << 20), FinishReason.LENGTH, 1, 5, 0, null, List.of()));
  }

  @Test
  void isGivenUpAndTheConnectionServesOn(CapturedOutput output) throws Exception {
    ConnectionProvider connections = ConnectionProvider.create("h2c", 1);
    try (EdgeServer server = EdgeServer.serving("slabstream.api.write-timeout=1s")) {
      HttpClient.RequestSender generate =
          HttpClient.create(connections)
              .protocol(HttpProtocol.H2C)
              .headers(headers -> headers.set("Content-Type", "application/json"))
              .post()
              .uri("http://localhost:" + server.port() + "/generate");
      server.generation().play(longReply());
      Reluctant reader = new Reluctant();
      generate.send(body()).responseContent().subscribe(reader);
      assertThat(RunningService.await(() -> server.bodyBytes() > 0)).as("it is answered").isTrue();
      assertThat(RunningService.await(() -> server.bodyBytes() == 0)).as("given up").isTrue();
      reader.requestUnbounded();
      assertThat(RunningService.await(() -> reader.failure.get() != null)).as("reset").isTrue();

      server.generation().play(FakeGeneration.hello(null));
      String next =
          generate
              .send(body())
              .responseContent()
              .aggregate()
              .asString(StandardCharsets.UTF_8)
              .block(Duration.ofSeconds(30));
      assertThat(next).contains("\"generated_text\":\"");
      assertThat(server.openConnections()).isOne();
      assertThat(output.getAll()).doesNotContain(" ERROR ").doesNotContain(" WARN ");
    } finally {
      connections.dispose();
    }
  }
}
