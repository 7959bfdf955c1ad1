package dev.slabstream.config;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServerException;
import org.springframework.core.NestedExceptionUtils;

/// Says in a sentence why the server cannot listen, in place of a stack trace. A port that is taken
/// has an analyzer of Spring Boot's own. Named in `META-INF/spring.factories`.
final class ListenFailureAnalyzer extends AbstractFailureAnalyzer<WebServerException> {
  @Override
  protected @Nullable FailureAnalysis analyze(Throwable root, WebServerException cause) {
    if (cause instanceof PortInUseException) {
      return null;
    }
    Throwable reason = NestedExceptionUtils.getMostSpecificCause(cause);
    return new FailureAnalysis(
        "The server cannot listen at server.address and server.port: " + reason.getMessage(),
        "Set server.port to a port from 0 to 65535 that this process may open (0: any that is free), and server.address to an address of this machine.",
        cause);
  }
}
