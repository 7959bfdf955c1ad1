package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.MethodNotAllowedException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/// Makes every failure of a request, wherever it arose, a status and an [ErrorBody]. Before the
/// framework's own handler, which would answer in other shapes. Leaves the [ErrorType] in the
/// exchange, for whoever counts.
@Component
@Order(-2)
final class ErrorResponses implements WebExceptionHandler {
  /// The attribute of the exchange that holds the [ErrorType] of a refused request.
  static final String ERROR_TYPE_ATTRIBUTE = ErrorType.class.getName();

  private static final Logger log = LoggerFactory.getLogger(ErrorResponses.class);

  /// When to try again where nothing was measured: a model loads or a service ends within a few.
  private static final int RETRY_UNAVAILABLE_SECONDS = 5;

  @Override
  public Mono<Void> handle(ServerWebExchange exchange, Throwable failure) {
    ServerHttpResponse response = exchange.getResponse();
    if (response.isCommitted()) {
      // Whoever cut off a client that does not read, or saw it go, has ended the response.
      return failure instanceof ClosedChannelException ? Mono.empty() : Mono.error(failure);
    }
    if (isAnswered(response)) {
      return Mono.empty();
    }
    GenerationException refusal = refusal(exchange, failure);
    ErrorType type = refusal.type();
    exchange.getAttributes().put(ERROR_TYPE_ATTRIBUTE, type);
    byte[] body = WireJson.bytes(ErrorBody.of(refusal));
    HttpHeaders headers = response.getHeaders();
    headers.clearContentHeaders();
    if (failure instanceof ErrorResponse standard) {
      keep(HttpHeaders.ALLOW, standard.getHeaders(), headers);
      keep(HttpHeaders.ACCEPT, standard.getHeaders(), headers);
    }
    retryAfterSeconds(refusal)
        .ifPresent(seconds -> headers.set(HttpHeaders.RETRY_AFTER, Integer.toString(seconds)));
    if (type == ErrorType.BODY_TIMEOUT || type == ErrorType.TOO_LARGE) {
      // What is left of the body is not waited for.
      headers.set(HttpHeaders.CONNECTION, "close");
    }
    headers.setContentType(MediaType.APPLICATION_JSON);
    headers.setContentLength(body.length);
    response.setRawStatusCode(type.status());
    if (exchange.getRequest().getMethod() == HttpMethod.HEAD) {
      return response.setComplete();
    }
    return response.writeWith(Mono.just(response.bufferFactory().wrap(body)));
  }

  /// Whether the server has answered below the framework: a chunk of the body was malformed.
  private static boolean isAnswered(ServerHttpResponse response) {
    return ServerHttpResponseDecorator.getNativeResponse(response)
            instanceof HttpServerResponse server
        && server.hasSentHeaders();
  }

  private static GenerationException refusal(ServerWebExchange exchange, Throwable failure) {
    if (failure instanceof GenerationException e) {
      return e;
    }
    if (failure instanceof ErrorResponse standard) {
      return standard(exchange, standard);
    }
    log.error("{}A request failed", exchange.getLogPrefix(), failure);
    return internal(exchange);
  }

  private static GenerationException internal(ServerWebExchange exchange) {
    return new GenerationException(
        ErrorType.INTERNAL,
        "an internal error; the log has it under " + exchange.getLogPrefix().strip());
  }

  /// What the framework refuses by itself: unknown paths, methods, media types.
  private static GenerationException standard(ServerWebExchange exchange, ErrorResponse failure) {
    String path = exchange.getRequest().getPath().value();
    String method = exchange.getRequest().getMethod().name();
    HttpStatus status = HttpStatus.resolve(failure.getStatusCode().value());
    return switch (status) {
      case NOT_FOUND -> new GenerationException(ErrorType.NOT_FOUND, "there is nothing at " + path);
      case METHOD_NOT_ALLOWED ->
          new GenerationException(
              ErrorType.METHOD_NOT_ALLOWED,
              method + " is not allowed at " + path,
              null,
              failure instanceof MethodNotAllowedException e ? allowed(e) : null,
              method);
      case NOT_ACCEPTABLE ->
          new GenerationException(
              ErrorType.NOT_ACCEPTABLE,
              "none of the accepted media types can be had at " + path,
              HttpHeaders.ACCEPT,
              null,
              exchange.getRequest().getHeaders().getFirst(HttpHeaders.ACCEPT));
      case UNSUPPORTED_MEDIA_TYPE ->
          new GenerationException(
              ErrorType.UNSUPPORTED_MEDIA_TYPE,
              "the body must be " + MediaType.APPLICATION_JSON_VALUE,
              HttpHeaders.CONTENT_TYPE,
              MediaType.APPLICATION_JSON_VALUE,
              exchange.getRequest().getHeaders().getFirst(HttpHeaders.CONTENT_TYPE));
      case CONTENT_TOO_LARGE ->
          new GenerationException(ErrorType.TOO_LARGE, "the request is too large");
      case null, default -> {
        if (failure.getStatusCode().is4xxClientError()) {
          yield new GenerationException(ErrorType.MALFORMED, "the request cannot be read");
        }
        log.error("{}A request failed", exchange.getLogPrefix(), (Throwable) failure);
        yield internal(exchange);
      }
    };
  }

  private static String allowed(MethodNotAllowedException failure) {
    return failure.getSupportedMethods().stream()
        .map(HttpMethod::name)
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static void keep(String name, HttpHeaders from, HttpHeaders to) {
    List<String> values = from.get(name);
    if (values != null) {
      to.put(name, values);
    }
  }

  /// What was measured, or else a guess for 503; none when all sessions are taken, for nobody knows when one is deleted.
  private static OptionalInt retryAfterSeconds(GenerationException refusal) {
    return refusal.retryAfterSeconds().isEmpty() && refusal.type().status() == 503
        ? OptionalInt.of(RETRY_UNAVAILABLE_SECONDS)
        : refusal.retryAfterSeconds();
  }
}
