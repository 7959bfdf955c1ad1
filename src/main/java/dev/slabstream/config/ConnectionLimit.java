package dev.slabstream.config;

import io.netty.channel.Channel;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import reactor.netty.http.server.HttpServer;

/// Holds the number of open connections to a maximum: one more is closed as soon as it is accepted.
/// Lives as long as the server; thread-safe.
final class ConnectionLimit implements NettyServerCustomizer {
  private final int max;
  private final AtomicInteger open = new AtomicInteger();

  ConnectionLimit(int max) {
    this.max = max;
  }

  /// Connections that are open now, idle ones included.
  int open() {
    return open.get();
  }

  @Override
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((_, channel, _) -> opened(channel));
  }

  private void opened(Channel channel) {
    channel.closeFuture().addListener(_ -> open.decrementAndGet());
    if (open.incrementAndGet() > max) {
      channel.close();
    }
  }
}
