package dev.slabstream.observability;

import dev.slabstream.generation.ErrorType;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/// Counts HTTP requests that are answered with an error status, by the [ErrorType] that the edge
/// left in the exchange under the name of that class.
@Component
final class RefusalCounter implements WebFilter {
  private final ServiceMeters meters;

  RefusalCounter(ServiceMeters meters) {
    this.meters = meters;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    exchange
        .getResponse()
        .beforeCommit(
            () ->
                Mono.fromRunnable(
                    () -> {
                      if (exchange.getAttribute(ErrorType.class.getName())
                          instanceof ErrorType type) {
                        meters.refused(type);
                      }
                    }));
    return chain.filter(exchange);
  }
}
