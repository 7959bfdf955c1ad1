package dev.slabstream.config;

import dev.slabstream.api.BodyBudget;
import dev.slabstream.observability.ServiceMeters;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.http2.Http2StreamChannel;
import java.time.Duration;
import java.util.Set;
import org.springframework.boot.actuate.autoconfigure.endpoint.web.WebEndpointProperties;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.netty.ConnectionObserver;

/// What the HTTP server gives to a connection, and how long it waits for one. Spring Boot's own
/// settings of that kind are in `application.yml`.
@Configuration(proxyBeanMethods = false)
class HttpServerConfiguration {
  private static final Duration PING_TIMEOUT = Duration.ofSeconds(10);

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

  @Bean
  ConnectionLimit connectionLimit(
      SlabstreamProperties properties, WebEndpointProperties endpoints, ServiceMeters meters) {
    String base = endpoints.getBasePath();
    ConnectionLimit limit =
        new ConnectionLimit(
            properties.api().maxConnections(),
            Set.of("/health", base + "/health", base + "/prometheus"));
    meters.watchConnections(limit::open);
    return limit;
  }

  /// What requests that are read, and those ahead of their turn, share.
  @Bean
  BodyBudget bodyBudget(SlabstreamProperties properties, ServiceMeters meters) {
    BodyBudget budget =
        new BodyBudget(properties.api().actualMaxBodyMemory().toBytes(), System::nanoTime);
    meters.watchBodies(budget::taken);
    return budget;
  }

  /// As many bytes as one body may have may come ahead of their turn.
  @Bean
  NettyServerCustomizer boundedPipelining(
      SlabstreamProperties properties, BodyBudget budget, ServiceMeters meters) {
    long bytes = properties.api().maxBodySize().toBytes();
    Duration timeout = properties.api().bodyTimeout();
    return server ->
        server.doOnChannelInit(
            (_, channel, _) -> {
              PipelineLimit.hold(channel, bytes, budget);
              UpgradeBodies.hold(channel, timeout, budget, meters::refused);
              ClientFaults.contain(channel);
            });
  }

  /// Both for connections and for the streams of those of HTTP/2, whose windows can be shut while
  /// the connection lives.
  @Bean
  NettyServerCustomizer boundedWrites(SlabstreamProperties properties) {
    Duration timeout = properties.api().writeTimeout();
    return server ->
        server
            .doOnChannelInit((_, channel, _) -> StalledWrites.watch(channel, timeout))
            .childObserve(
                (connection, state) -> {
                  if (state == ConnectionObserver.State.CONFIGURED
                      && connection.channel() instanceof Http2StreamChannel stream) {
                    StalledWrites.watch(stream, timeout);
                  }
                });
  }

  /// Without this a connection of HTTP/2 may have as many streams as it likes. One call sets all:
  /// a second would forget the first.
  @Bean
  NettyServerCustomizer boundedStreams(
      SlabstreamProperties properties, ServerProperties serverProperties) {
    return server ->
        server.http2Settings(
            settings ->
                settings
                    // A connection that is silent because its requests take long is asked whether
                    // it
                    // still lives; without this the idle timeout would close it.
                    .pingAckTimeout(PING_TIMEOUT)
                    .pingAckDropThreshold(1)
                    .maxConcurrentStreams(properties.api().maxStreams())
                    .maxHeaderListSize(serverProperties.getMaxHttpRequestHeaderSize().toBytes()));
  }
}
