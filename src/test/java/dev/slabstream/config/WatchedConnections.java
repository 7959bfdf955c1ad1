package dev.slabstream.config;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.concurrent.EventExecutor;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.context.annotation.Bean;
import reactor.netty.http.server.HttpServer;

/// What the server has read from its connections, and holds for them: so that a test can wait until the server has seen what it sent.
/// Thread-safe.
public final class WatchedConnections implements NettyServerCustomizer {
  /// A stream of HTTP/2 hears of its end in tasks that the event loop gives itself, one behind the other.
  private static final int HOPS = 4;

  private final Set<Channel> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong bytesRead = new AtomicLong();
  private volatile Runnable noticed = () -> {};
  private volatile Runnable told = () -> {};

  static class Beans {
    @Bean
    WatchedConnections watchedConnections() {
      return new WatchedConnections();
    }
  }

  @Override
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit(
        (_, channel, _) -> {
          open.add(channel);
          channel.closeFuture().addListener(_ -> open.remove(channel));
          channel.pipeline().addFirst(new Reads());
        });
  }

  private final class Reads extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      int bytes = ((ByteBuf) message).readableBytes();
      noticed.run();
      context.fireChannelRead(message);
      bytesRead.addAndGet(bytes);
      later(context.executor(), HOPS, told);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      noticed.run();
      context.fireChannelInactive();
      later(context.executor(), HOPS, told);
    }

    private static void later(EventExecutor eventLoop, int hops, Runnable task) {
      eventLoop.execute(hops == 1 ? task : () -> later(eventLoop, hops - 1, task));
    }
  }

  /// From now on these happen, on the event loop, when the server reads from a connection or notices that it is gone: before anybody
  /// hears of it, and when everybody has.
  public void whenHeard(Runnable noticed, Runnable told) {
    this.noticed = noticed;
    this.told = told;
  }

  /// Bytes that came from all connections so far, and that the server has looked at.
  public long bytesRead() {
    return bytesRead.get();
  }

  /// The most bytes that wait for the kernel to take them, of all connections.
  public long mostPendingBytes() {
    return open.stream().mapToLong(WatchedConnections::pendingBytes).max().orElse(0);
  }

  private static long pendingBytes(Channel channel) {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return buffer == null ? 0 : buffer.totalPendingWriteBytes();
  }
}
