package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.resources.ConnectionProvider;

/// A client whose requests can be cut off one by one. Over HTTP/2 all of them share a connection.
interface CuttableClient extends AutoCloseable {
  /// A request that was sent.
  interface Call {
    /// Bytes of the reply so far.
    long numReceived();

    /// Goes away: over HTTP/1.1 the socket is closed, over HTTP/2 the stream is reset.
    void cut();
  }

  Call post(String body) throws IOException;

  /// Sends one and reads all of the reply, on the connection that the next one takes.
  void finishOne(String body) throws Exception;

  @Override
  void close() throws IOException;

  enum Protocol {
    HTTP_1_1,
    /// Each request on a connection that has served one before.
    HTTP_1_1_KEPT_ALIVE,
    H2C_BY_PRIOR_KNOWLEDGE,
    /// The JDK's own client: its first request, with its body, asks for the upgrade.
    H2C_BY_UPGRADE;

    CuttableClient open(int port) {
      return switch (this) {
        case HTTP_1_1 -> new Sockets(port, false);
        case HTTP_1_1_KEPT_ALIVE -> new Sockets(port, true);
        case H2C_BY_PRIOR_KNOWLEDGE -> new PriorKnowledge(port);
        case H2C_BY_UPGRADE -> new Upgrade(port);
      };
    }
  }

  /// A socket for each request.
  final class Sockets implements CuttableClient {
    private final int port;
    private final boolean keptAlive;
    private final List<RawHttp> open = new ArrayList<>();

    Sockets(int port, boolean keptAlive) {
      this.port = port;
      this.keptAlive = keptAlive;
    }

    @Override
    public Call post(String body) throws IOException {
      RawHttp http = new RawHttp(port);
      open.add(http);
      if (keptAlive) {
        http.send("GET", "/actuator/health/liveness", new byte[0]);
        http.readUntil(text -> text.contains("\"UP\"}"));
      }
      http.send(
          "POST",
          "/generate",
          body.getBytes(StandardCharsets.UTF_8),
          "Content-Type: application/json");
      return new Call() {
        private long received;

        @Override
        public long numReceived() {
          try {
            long before = received;
            received = http.readUntil(text -> text.length() > before).length();
            return received;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }

        @Override
        public void cut() {
          try {
            http.close();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };
    }

    @Override
    public void finishOne(String body) throws IOException {
      assertThat(RawHttp.post(port, "/generate", body).status()).isEqualTo(200);
    }

    @Override
    public void close() throws IOException {
      for (RawHttp http : open) {
        http.close();
      }
    }
  }

  /// One connection that speaks HTTP/2 from its first byte.
  final class PriorKnowledge implements CuttableClient {
    private final ConnectionProvider connections = ConnectionProvider.create("h2c", 1);
    private final reactor.netty.http.client.HttpClient.RequestSender generate;

    PriorKnowledge(int port) {
      generate =
          reactor.netty.http.client.HttpClient.create(connections)
              .protocol(HttpProtocol.H2C)
              .headers(headers -> headers.set("Content-Type", "application/json"))
              .post()
              .uri("http://localhost:" + port + "/generate");
    }

    @Override
    public Call post(String body) {
      AtomicLong received = new AtomicLong();
      Disposable running =
          generate
              .send(Mono.fromSupplier(() -> Unpooled.copiedBuffer(body, StandardCharsets.UTF_8)))
              .responseContent()
              .subscribe(part -> received.addAndGet(part.readableBytes()), _ -> {});
      return new Call() {
        @Override
        public long numReceived() {
          return received.get();
        }

        @Override
        public void cut() {
          running.dispose();
        }
      };
    }

    @Override
    public void finishOne(String body) {
      String reply =
          generate
              .send(Mono.fromSupplier(() -> Unpooled.copiedBuffer(body, StandardCharsets.UTF_8)))
              .responseContent()
              .aggregate()
              .asString()
              .block();
      assertThat(reply).contains("\"generated_text\":\"");
    }

    @Override
    public void close() {
      connections.dispose();
    }
  }

  /// The JDK's client, which asks for the upgrade with its first request.
  final class Upgrade implements CuttableClient {
    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    private final int port;

    Upgrade(int port) {
      this.port = port;
    }

    private HttpRequest request(String body) {
      return HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/generate"))
          .header("Content-Type", "application/json")
          .POST(HttpRequest.BodyPublishers.ofString(body))
          .build();
    }

    @Override
    public Call post(String body) {
      AtomicLong received = new AtomicLong();
      CompletableFuture<HttpResponse<InputStream>> reply =
          client.sendAsync(request(body), HttpResponse.BodyHandlers.ofInputStream());
      Thread reader = Thread.ofPlatform().daemon().start(() -> read(reply, received));
      return new Call() {
        @Override
        public long numReceived() {
          return received.get();
        }

        @Override
        public void cut() {
          // Its head may come at this moment: then there is a body to close.
          if (!reply.cancel(true)) {
            try {
              reply.join().body().close();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
          reader.interrupt();
        }
      };
    }

    private static void read(
        CompletableFuture<HttpResponse<InputStream>> reply, AtomicLong received) {
      try {
        HttpResponse<InputStream> response = reply.join();
        assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
        InputStream body = response.body();
        while (body.read() >= 0) {
          received.incrementAndGet();
        }
      } catch (IOException | RuntimeException e) {
        // Cut off.
      }
    }

    @Override
    public void finishOne(String body) throws IOException, InterruptedException {
      HttpResponse<String> reply = client.send(request(body), HttpResponse.BodyHandlers.ofString());
      assertThat(reply.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(reply.statusCode()).isEqualTo(200);
      assertThat(reply.body()).contains("\"generated_text\":\"");
    }

    @Override
    public void close() {
      client.shutdownNow();
      client.close();
    }
  }
}
