package dev.slabstream.config;

import dev.slabstream.observability.EngineHealthIndicator;
import dev.slabstream.observability.ServiceMeters;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/// The beans that bring a model up and down behind the gate.
@Configuration(proxyBeanMethods = false)
class LifecycleConfiguration {
  @Bean
  @ConditionalOnMissingBean
  ProcessExit processExit() {
    return ProcessExit.real();
  }

  @Bean
  @ConditionalOnMissingBean
  ServiceAssembly serviceAssembly(
      SlabstreamProperties properties, @Value("${info.app.version}") String version) {
    return new ServiceAssembly(properties, version);
  }

  @Bean
  ServiceLifecycle serviceLifecycle(
      SlabstreamProperties properties,
      ServiceAssembly assembly,
      ServiceGate gate,
      ServiceMeters meters,
      EngineHealthIndicator engineHealth,
      ProcessExit exit,
      Environment environment) {
    HttpRehearsal http = new HttpRehearsal(gate, environment);
    return new ServiceLifecycle(properties, assembly, gate, meters, engineHealth, exit, http);
  }
}
