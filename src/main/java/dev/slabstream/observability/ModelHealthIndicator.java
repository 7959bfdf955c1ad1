package dev.slabstream.observability;

import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import dev.slabstream.generation.Readiness;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/// Whether requests should come: out of service while the model loads and warms up, and again as
/// soon as the service begins to end, with the reason that a client would be given. A full queue
/// changes nothing: it is refused request by request, and empties.
@Component
final class ModelHealthIndicator implements HealthIndicator {
  private final Readiness readiness;
  private final GenerationService service;

  ModelHealthIndicator(Readiness readiness, GenerationService service) {
    this.readiness = readiness;
    this.service = service;
  }

  @Override
  public Health health() {
    try {
      readiness.check();
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
