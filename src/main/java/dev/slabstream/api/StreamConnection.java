package dev.slabstream.api;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import org.reactivestreams.Publisher;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.http.server.HttpServerResponse;

/// What one stream is written to: a connection of HTTP/1.1, or a stream of one of HTTP/2. Lives as
/// long as the response.
///
/// Frames are written one at a time: the next one is asked for when the one before lies in the
/// kernel's send buffer, or in the client's window of HTTP/2. The framework's own way holds up to
/// 160 frames between the two, so a generation would learn late that its client does not read.
final class StreamConnection {
  private final Channel channel;

  private StreamConnection(Channel channel) {
    this.channel = channel;
  }

  static StreamConnection of(ServerHttpResponse response) {
    HttpServerResponse server = ServerHttpResponseDecorator.getNativeResponse(response);
    Channel[] channel = new Channel[1];
    server.withConnection((Connection connection) -> channel[0] = connection.channel());
    return new StreamConnection(channel[0]);
  }

  /// Writes `frames`; itself emits nothing, and completes when the last one is written. Frames that
  /// end in an error mean that the client does not read: the connection is aborted.
  Publisher<DataBuffer> write(Flux<byte[]> frames) {
    return frames
        .<DataBuffer>concatMap(this::write, 0)
        .onErrorResume(
            _ -> {
              abort();
              return Flux.never();
            });
  }

  private Mono<DataBuffer> write(byte[] frame) {
    return Mono.create(
        written ->
            channel
                .writeAndFlush(Unpooled.wrappedBuffer(frame))
                .addListener(
                    future -> {
                      if (future.isSuccess()) {
                        written.success();
                      } else {
                        // Closing ends the response and cancels the generation, whatever went
                        // wrong.
                        channel.close();
                      }
                    }));
  }

  /// Closes at once: nothing that is unsent is kept for a client that does not read. A stream of
  /// HTTP/2 is reset and leaves its connection open.
  private void abort() {
    channel
        .eventLoop()
        .execute(
            () -> {
              if (channel.isActive()) {
                channel.config().setOption(ChannelOption.SO_LINGER, 0);
                channel.close();
              }
            });
  }
}
