package dev.slabstream.config;

import dev.slabstream.api.BodyBudget;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/// Counts the body of a request that asks for the upgrade to HTTP/2: the server gathers it whole
/// before anybody else sees it. One that has no room gets a bare 503, as one that is too long gets a
/// bare 413; one that has to make room is cut off. One for each connection; on its event loop.
final class UpgradeBodies extends ChannelInboundHandlerAdapter {
  private static final int RETRY_AFTER_SECONDS = 5;

  private final BodyBudget budget;
  private BodyBudget.@Nullable Share share;
  private boolean refused;

  private UpgradeBodies(BodyBudget budget) {
    this.budget = budget;
  }

  /// Counts those of `channel`, a new connection, if it can be upgraded.
  static void count(Channel channel, BodyBudget budget) {
    ChannelHandlerContext upgrade = channel.pipeline().context(HttpServerUpgradeHandler.class);
    if (upgrade != null) {
      channel.pipeline().addBefore(upgrade.name(), null, new UpgradeBodies(budget));
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (refused) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpRequest request
        && request.headers().contains(HttpHeaderNames.UPGRADE)) {
      Channel channel = context.channel();
      share = budget.coming(() -> channel.eventLoop().execute(channel::close));
    }
    BodyBudget.Share counted = share;
    if (counted != null
        && message instanceof HttpContent content
        && !counted.take(content.content().readableBytes())) {
      ReferenceCountUtil.release(message);
      refuse(context);
      return;
    }
    context.fireChannelRead(message);
    if (message instanceof LastHttpContent) {
      // It has been handed on, and counts where it is read.
      close();
    }
  }

  private void refuse(ChannelHandlerContext context) {
    refused = true;
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.SERVICE_UNAVAILABLE, Unpooled.EMPTY_BUFFER);
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_LENGTH, 0)
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
        .set(HttpHeaderNames.RETRY_AFTER, RETRY_AFTER_SECONDS);
    context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
  }

  private void close() {
    if (share != null) {
      share.close();
      share = null;
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    close();
  }
}
