package dev.slabstream.observability;

import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/// Whether requests are taken: out of service while the model loads and warms up, and again when
/// the service ends, with the reason that a client would be given.
@Component
final class ModelHealthIndicator implements HealthIndicator {
  private final GenerationService service;

  ModelHealthIndicator(GenerationService service) {
    this.service = service;
  }

  @Override
  public Health health() {
    try {
      GenerationService.ServiceLimits limits = service.limits();
      return Health.up().withDetail("maxTotalTokens", limits.maxTotalTokens()).build();
    } catch (GenerationException e) {
      return Health.outOfService()
          .withDetail("reason", e.type().label())
          .withDetail("message", String.valueOf(e.getMessage()))
          .build();
    }
  }
}
