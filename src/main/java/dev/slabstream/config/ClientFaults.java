package dev.slabstream.config;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.netty.handler.codec.http2.Http2Exception;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.NettyPipeline;

/// Keeps out of the log what a client does wrong with its connection, which is closed for it: breaks
/// the rules of HTTP/2, or goes away in the middle of a request that asks for the upgrade. Else each
/// such client could write stack traces as fast as it connects. Shared by all connections.
@ChannelHandler.Sharable
final class ClientFaults extends ChannelInboundHandlerAdapter {
  private static final Logger log = LoggerFactory.getLogger(ClientFaults.class);
  private static final ClientFaults ALL = new ClientFaults();

  private ClientFaults() {}

  /// Looks at what fails on `channel`, a new connection, before anybody who logs.
  static void contain(Channel channel) {
    if (channel.pipeline().get(NettyPipeline.ReactiveBridge) != null) {
      channel.pipeline().addBefore(NettyPipeline.ReactiveBridge, null, ALL);
    } else {
      channel.pipeline().addLast(ALL);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof Http2Exception || cause instanceof PrematureChannelClosureException) {
      log.debug("{} A client's fault: {}", context.channel(), cause.toString());
    } else {
      context.fireExceptionCaught(cause);
    }
  }
}
