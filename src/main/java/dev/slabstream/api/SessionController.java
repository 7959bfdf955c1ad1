package dev.slabstream.api;

import dev.slabstream.generation.Sessions;
import java.net.URI;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.UnsupportedMediaTypeStatusException;
import reactor.core.publisher.Mono;

/// Opens, shows and closes sessions. Whoever knows an id may do all of it: ids are unguessable.
@RestController
@RequestMapping(path = "/sessions", produces = MediaType.APPLICATION_JSON_VALUE)
final class SessionController {
  private final Sessions sessions;
  private final RequestBodies bodies;
  private final RequestParser parser;

  SessionController(Sessions sessions, ApiSettings settings, BodyBudget budget) {
    this.sessions = sessions;
    this.bodies = new RequestBodies(settings.maxBodyBytes(), settings.bodyTimeout(), budget);
    this.parser = new RequestParser(settings.unknownParameters());
  }

  /// The body may be absent: a session without defaults.
  @PostMapping
  Mono<ResponseEntity<byte[]>> create(ServerWebExchange exchange) {
    ServerHttpRequest request = exchange.getRequest();
    return bodies.read(request, body -> Mono.fromCallable(() -> created(request, body)));
  }

  private ResponseEntity<byte[]> created(ServerHttpRequest request, byte[] body) {
    if (body.length > 0) {
      requireJson(request);
    }
    Sessions.SessionInfo session = sessions.create(parser.session(body));
    return ResponseEntity.created(URI.create("/sessions/" + session.id()))
        .header(HttpHeaders.SET_COOKIE, SessionIds.open(session.id(), request).toString())
        .contentType(MediaType.APPLICATION_JSON)
        .body(WireJson.bytes(SessionBody.of(session)));
  }

  @GetMapping("/{id}")
  ResponseEntity<byte[]> get(@PathVariable String id) {
    return ResponseEntity.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .header(HttpHeaders.CACHE_CONTROL, "no-store")
        .body(WireJson.bytes(SessionBody.of(sessions.get(id))));
  }

  /// Also cancels the session's request in flight.
  @DeleteMapping("/{id}")
  ResponseEntity<Void> delete(@PathVariable String id, ServerWebExchange exchange) {
    sessions.delete(id);
    ServerHttpRequest request = exchange.getRequest();
    ResponseEntity.HeadersBuilder<?> response = ResponseEntity.noContent();
    if (SessionIds.cookie(request).filter(id::equals).isPresent()) {
      response.header(HttpHeaders.SET_COOKIE, SessionIds.forget(request).toString());
    }
    return response.build();
  }

  private static void requireJson(ServerHttpRequest request) {
    MediaType type = request.getHeaders().getContentType();
    if (type == null || !MediaType.APPLICATION_JSON.isCompatibleWith(type)) {
      throw new UnsupportedMediaTypeStatusException(
          type, java.util.List.of(MediaType.APPLICATION_JSON));
    }
  }
}
