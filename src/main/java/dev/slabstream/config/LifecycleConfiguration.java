package dev.slabstream.config;

import dev.slabstream.observability.ServiceMeters;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The beans that bring a model up and down behind the gate.
@Configuration(proxyBeanMethods = false)
class LifecycleConfiguration {
  @Bean
  @ConditionalOnMissingBean
  ProcessExit processExit() {
    return ProcessExit.real();
  }

  @Bean
  ServiceLifecycle serviceLifecycle(
      SlabstreamProperties properties,
      @Value("${info.app.version}") String version,
      ServiceGate gate,
      ServiceMeters meters,
      ProcessExit exit) {
    return new ServiceLifecycle(
        properties, new ServiceAssembly(properties, version), gate, meters, exit);
  }
}
