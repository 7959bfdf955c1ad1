package dev.slabstream.config;

import dev.slabstream.api.BodyBudget;
import dev.slabstream.api.BodyRefusals;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
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
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerUpgradeHandler;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.IdleTimeoutHandler;

/// Holds the body of a request that asks for the upgrade to HTTP/2 to the limits of any other: the
/// server gathers it whole before anybody else sees it. One that is too slow gets its 408, one that has
/// no room its 503, and one that has to make room is cut off. One for each connection; on its event
/// loop.
final class UpgradeBodies extends ChannelInboundHandlerAdapter {
  private static final int RETRY_AFTER_SECONDS = 5;

  private final Duration timeout;
  private final BodyBudget budget;
  private final Consumer<ErrorType> count;
  private BodyBudget.@Nullable Share share;
  private @Nullable ScheduledFuture<?> late;
  private boolean refused;

  private UpgradeBodies(Duration timeout, BodyBudget budget, Consumer<ErrorType> count) {
    this.timeout = timeout;
    this.budget = budget;
    this.count = count;
  }

  /// Holds those of `channel`, a new connection, if it can be upgraded.
  ///
  /// @param count is told of every refusal
  static void hold(
      Channel channel, Duration timeout, BodyBudget budget, Consumer<ErrorType> count) {
    ChannelHandlerContext upgrade = channel.pipeline().context(HttpServerUpgradeHandler.class);
    if (upgrade != null) {
      channel.pipeline().addBefore(upgrade.name(), null, new UpgradeBodies(timeout, budget, count));
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
      begin(context);
    }
    BodyBudget.Share counted = share;
    if (counted != null
        && message instanceof HttpContent content
        && !counted.take(content.content().readableBytes())) {
      ReferenceCountUtil.release(message);
      refuse(context, BodyRefusals.noRoom(budget.maxBytes()));
      return;
    }
    context.fireChannelRead(message);
    if (message instanceof LastHttpContent) {
      // It has been handed on, and counts where it is read.
      end();
    }
  }

  private void begin(ChannelHandlerContext context) {
    // The server takes a connection for idle until it sees a request.
    IdleTimeoutHandler.removeIdleTimeoutHandler(context.pipeline());
    Channel channel = context.channel();
    share = budget.coming(() -> channel.eventLoop().execute(channel::close));
    late =
        context
            .executor()
            .schedule(
                () -> refuse(context, BodyRefusals.tooSlow(timeout)),
                timeout.toNanos(),
                TimeUnit.NANOSECONDS);
  }

  private void refuse(ChannelHandlerContext context, GenerationException refusal) {
    refused = true;
    end();
    count.accept(refusal.type());
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(refusal.type().status()),
            Unpooled.wrappedBuffer(BodyRefusals.json(refusal)));
    HttpHeaders headers = response.headers();
    headers
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes())
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    if (refusal.type() == ErrorType.BODY_MEMORY) {
      headers.set(HttpHeaderNames.RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
  }

  private void end() {
    if (share != null) {
      share.close();
      share = null;
    }
    if (late != null) {
      late.cancel(false);
      late = null;
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    end();
  }
}
