package dev.slabstream.config;

import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// What the HTTP server gives to a connection.
@Configuration(proxyBeanMethods = false)
class HttpServerConfiguration {
  /// How much of a response may lie between the service and the network. A connection of HTTP/2
  /// stops taking from its streams when as much waits for the kernel.
  @Bean
  NettyServerCustomizer boundedSendBuffers(SlabstreamProperties properties) {
    int bytes = Math.toIntExact(properties.api().sendBuffer().toBytes());
    return server ->
        server
            .childOption(ChannelOption.SO_SNDBUF, bytes)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(bytes / 2, bytes));
  }
}
