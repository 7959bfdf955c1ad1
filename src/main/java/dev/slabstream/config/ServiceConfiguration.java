package dev.slabstream.config;

import dev.slabstream.api.ApiSettings;
import dev.slabstream.observability.EngineHealthIndicator;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The beans of the service that hold from the first moment, before there is a model.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(SlabstreamProperties.class)
class ServiceConfiguration {
  @Bean
  ServiceGate serviceGate() {
    return new ServiceGate();
  }

  /// Shown as `engine`.
  @Bean
  EngineHealthIndicator engineHealthIndicator(SlabstreamProperties properties) {
    return new EngineHealthIndicator(properties.health().stuckAfter());
  }

  @Bean
  ApiSettings apiSettings(SlabstreamProperties properties) {
    SlabstreamProperties.Api api = properties.api();
    return new ApiSettings(
        Math.toIntExact(api.maxBodySize().toBytes()),
        api.bodyTimeout(),
        api.unknownParameters(),
        api.keepAlive());
  }
}
