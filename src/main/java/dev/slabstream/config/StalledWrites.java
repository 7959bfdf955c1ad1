package dev.slabstream.config;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Closes a connection that takes nothing of what is written to it for a while: a client that does
/// not read a whole reply, or the end of a stream. Or a stream of HTTP/2, which it resets. One for
/// each; on its event loop.
///
/// It looks at the connection once in each `timeout` while something is unwritten, so a connection
/// lives for one to two of them without progress.
final class StalledWrites extends ChannelDuplexHandler {
  private final long timeoutNanos;
  private int unwritten;
  private long writes;
  private long seenWrites;
  private long seenBytes;
  private @Nullable ScheduledFuture<?> look;

  private StalledWrites(Duration timeout) {
    timeoutNanos = timeout.toNanos();
  }

  /// Watches the writes of `channel` from now on.
  static void watch(Channel channel, Duration timeout) {
    channel.pipeline().addFirst(new StalledWrites(timeout));
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    unwritten++;
    ChannelPromise observed = promise.unvoid();
    observed.addListener(
        _ -> {
          unwritten--;
          writes++;
        });
    context.write(message, observed);
    if (look == null) {
      lookLater(context);
    }
  }

  private void lookLater(ChannelHandlerContext context) {
    seenWrites = writes;
    seenBytes = unwrittenBytes(context.channel());
    look = context.executor().schedule(() -> look(context), timeoutNanos, TimeUnit.NANOSECONDS);
  }

  private void look(ChannelHandlerContext context) {
    look = null;
    Channel channel = context.channel();
    if (unwritten == 0 || !channel.isActive()) {
      return;
    }
    if (writes == seenWrites && unwrittenBytes(channel) >= seenBytes) {
      // Nothing that is unsent is kept for a client that does not read.
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
      channel.close();
    } else {
      lookLater(context);
    }
  }

  /// A write may be larger than what the kernel takes at once: then these get fewer.
  private static long unwrittenBytes(Channel channel) {
    ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
    return buffer == null ? 0 : buffer.totalPendingWriteBytes();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    ScheduledFuture<?> scheduled = look;
    if (scheduled != null) {
      scheduled.cancel(false);
    }
  }
}
