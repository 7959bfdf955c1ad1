package dev.slabstream.config;

import dev.slabstream.api.BodyBudget;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import reactor.netty.NettyPipeline;

/// Bounds what a connection of HTTP/1.1 may send ahead of its answers (pipelining, RFC 9112, section
/// 9.3.2): the server would keep all of it. What comes after the bound is dropped, what came before
/// is answered, and then the connection closes; a client that pipelines sends the rest again, as it
/// has to whenever a connection closes. One for each connection; on its event loop.
///
/// To stop reading instead would not do: behind unread bytes the server could not see the client go,
/// and one read brings thousands of small requests, which it cannot give back.
final class PipelineLimit extends ChannelDuplexHandler {
  /// Requests that may have come and not been answered, the one that is being answered included.
  static final int MAX_UNANSWERED = 16;

  /// Parts of messages (heads, pieces of bodies) that are read past the bound while answers are under
  /// way. Who sends more gets no further answer.
  static final int MAX_DROPPED = 1024;

  /// What a piece of a body takes in memory beside its bytes, roughly: pieces may be of one byte.
  private static final int PIECE_BYTES = 256;

  private final long maxBytesAhead;
  private final BodyBudget.Share ahead;

  /// Bytes that are kept of the bodies of the unanswered requests, as a ring: `first` is the one
  /// that is being answered, whose body is taken as it comes.
  private final long[] bodyBytes = new long[MAX_UNANSWERED];

  private int first;
  private int unanswered;
  private boolean over;

  /// Whether the last of the unanswered ones is not whole, and never will be.
  private boolean lastIsCut;

  private int dropped;
  private boolean interim;

  PipelineLimit(long maxBytesAhead, BodyBudget budget) {
    this.maxBytesAhead = maxBytesAhead;
    this.ahead = budget.ahead();
  }

  /// Bounds `channel`, a new connection, to `maxBytesAhead` of bodies whose turn has not come, and to
  /// what all of them leave in the budget.
  static void hold(Channel channel, long maxBytesAhead, BodyBudget budget) {
    if (channel.pipeline().get(NettyPipeline.HttpTrafficHandler) != null) {
      channel
          .pipeline()
          .addBefore(
              NettyPipeline.HttpTrafficHandler, null, new PipelineLimit(maxBytesAhead, budget));
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!over && exceeds(message)) {
      over = true;
    }
    if (!over) {
      context.fireChannelRead(message);
      return;
    }
    ReferenceCountUtil.release(message);
    if (++dropped > MAX_DROPPED) {
      context.close();
    }
  }

  private boolean exceeds(Object message) {
    if (message instanceof HttpRequest) {
      if (unanswered == MAX_UNANSWERED) {
        return true;
      }
      bodyBytes[(first + unanswered) % MAX_UNANSWERED] = 0;
      unanswered++;
    }
    if (message instanceof HttpContent content && unanswered > 1) {
      int bytes = PIECE_BYTES + content.content().readableBytes();
      lastIsCut = bytesAhead() + bytes > maxBytesAhead || !ahead.take(bytes);
      if (!lastIsCut) {
        bodyBytes[(first + unanswered - 1) % MAX_UNANSWERED] += bytes;
      }
      return lastIsCut;
    }
    return false;
  }

  private long bytesAhead() {
    long bytes = 0;
    for (int i = 1; i < unanswered; i++) {
      bytes += bodyBytes[(first + i) % MAX_UNANSWERED];
    }
    return bytes;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof HttpResponse response) {
      interim = response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
      if (over && !interim && answerable() == 1) {
        HttpUtil.setKeepAlive(response, false);
      }
    }
    if (message instanceof LastHttpContent && !interim && unanswered > 0) {
      first = (first + 1) % MAX_UNANSWERED;
      unanswered--;
      if (unanswered > 0) {
        // Its turn has come, and it counts where it is read.
        ahead.give(bodyBytes[first]);
        bodyBytes[first] = 0;
      }
      if (over && answerable() == 0) {
        context.write(message, promise.unvoid()).addListener(ChannelFutureListener.CLOSE);
        return;
      }
    }
    context.write(message, promise);
    if (message instanceof LastHttpContent && unanswered == 0) {
      // The server does not always ask for more behind requests that it took from its queue.
      context.executor().execute(context::read);
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    ahead.close();
  }

  /// How many answers are still to come.
  private int answerable() {
    return unanswered - (lastIsCut ? 1 : 0);
  }
}
