package dev.slabstream.config;

import io.netty.channel.Channel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import reactor.netty.http.server.HttpServer;

/// Holds the number of open connections to a maximum, and keeps a reserve beyond it for probes: an
/// orchestrator that cannot ask would end a service because it is busy. A connection of the reserve
/// may ask once, for the service's health or its metrics; see [ProbeOnly]. When the reserve is full,
/// the connection in it that is longest open makes room: a probe takes milliseconds, so whoever sits
/// there longer is none, and nobody can keep probes out by holding connections. Lives as long as the
/// server; thread-safe.
final class ConnectionLimit implements NettyServerCustomizer {
  static final int RESERVE = 64;

  private final int max;
  private final Set<String> probePaths;
  private final AtomicInteger open = new AtomicInteger();

  /// Those within the maximum: who sits in the reserve takes no place of theirs.
  private final AtomicInteger regular = new AtomicInteger();

  /// Those beyond the maximum, the oldest first. Guarded by itself.
  private final Deque<Channel> reserve = new ArrayDeque<>(RESERVE);

  /// @param probePaths what may be asked for beyond the maximum, whatever follows behind a slash
  ConnectionLimit(int max, Set<String> probePaths) {
    this.max = max;
    this.probePaths = Set.copyOf(probePaths);
  }

  /// Connections that are open now, idle ones and those of the reserve included.
  int open() {
    return open.get();
  }

  @Override
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((_, channel, _) -> opened(channel));
  }

  private void opened(Channel channel) {
    channel.closeFuture().addListener(_ -> open.decrementAndGet());
    open.incrementAndGet();
    if (regular.getAndUpdate(n -> Math.min(max, n + 1)) < max) {
      channel.closeFuture().addListener(_ -> regular.decrementAndGet());
      return;
    }
    Channel oldest = addToReserve(channel);
    if (oldest != null) {
      oldest.close();
    }
    ProbeOnly.hold(channel, probePaths);
  }

  private @Nullable Channel addToReserve(Channel channel) {
    Channel oldest;
    synchronized (reserve) {
      oldest = reserve.size() == RESERVE ? reserve.poll() : null;
      reserve.add(channel);
    }
    channel.closeFuture().addListener(_ -> removeFromReserve(channel));
    return oldest;
  }

  private void removeFromReserve(Channel channel) {
    synchronized (reserve) {
      reserve.remove(channel);
    }
  }
}
