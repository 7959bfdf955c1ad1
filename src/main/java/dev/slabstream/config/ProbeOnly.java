package dev.slabstream.config;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http2.CleartextHttp2ServerUpgradeHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import reactor.netty.NettyPipeline;

/// Lets a connection ask once, by HTTP/1.1, for one of a few paths, and closes it: behind the answer,
/// at any other request, and when that takes too long. One for each connection; on its event loop.
final class ProbeOnly extends ChannelInboundHandlerAdapter {
  /// For the request to come and its answer to be taken. A probe that takes longer has failed.
  private static final long SECONDS = 5;

  private final Set<String> paths;
  private boolean asked;
  private boolean askedAgain;

  private ProbeOnly(Set<String> paths) {
    this.paths = paths;
  }

  /// Holds `channel`, a new connection, to `paths` and what is below them.
  static void hold(Channel channel, Set<String> paths) {
    if (channel.pipeline().get(NettyPipeline.HttpTrafficHandler) == null) {
      channel.close();
      return;
    }
    channel.pipeline().addBefore(NettyPipeline.HttpTrafficHandler, null, new ProbeOnly(paths));
    ScheduledFuture<?> end =
        channel.eventLoop().schedule(() -> channel.close(), SECONDS, TimeUnit.SECONDS);
    channel.closeFuture().addListener(_ -> end.cancel(false));
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest request) {
      if (!asked && !isProbe(request.uri())) {
        ReferenceCountUtil.release(message);
        context.close();
        return;
      }
      askedAgain = asked;
      asked = true;
      HttpUtil.setKeepAlive(request, false);
    }
    if (!asked || askedAgain) {
      ReferenceCountUtil.release(message);
    } else {
      context.fireChannelRead(message);
    }
  }

  private boolean isProbe(String uri) {
    int query = uri.indexOf('?');
    String path = query < 0 ? uri : uri.substring(0, query);
    return paths.stream().anyMatch(probe -> path.equals(probe) || path.startsWith(probe + "/"));
  }

  /// A connection of HTTP/2 would go past this handler. Its codec, which is there already, would put
  /// the closing off until the stream of the upgraded request has ended: so from before the codec.
  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof HttpServerUpgradeHandler.UpgradeEvent
        || event instanceof CleartextHttp2ServerUpgradeHandler.PriorKnowledgeUpgradeEvent) {
      ReferenceCountUtil.release(event);
      context.pipeline().firstContext().close();
    } else {
      context.fireUserEventTriggered(event);
    }
  }
}
