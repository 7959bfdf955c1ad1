package dev.slabstream.api;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpCookie;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequest;

/// How a request names its session: the header, or else the cookie. Whichever names one must name
/// an open one: a stale cookie is refused like a stale header, because going on without the
/// session's defaults would answer another question than was asked.
final class SessionIds {
  static final String HEADER = "X-Session-Id";
  static final String COOKIE = "slabstream-session";

  private SessionIds() {}

  static Optional<String> of(ServerHttpRequest request) {
    return nonBlank(request.getHeaders().getFirst(HEADER)).or(() -> cookie(request));
  }

  static Optional<String> cookie(ServerHttpRequest request) {
    HttpCookie cookie = request.getCookies().getFirst(COOKIE);
    return nonBlank(cookie == null ? null : cookie.getValue());
  }

  /// The cookie that carries `id`: out of reach for scripts, never sent along by other sites.
  static ResponseCookie open(String id, ServerHttpRequest request) {
    return cookie(id, request).build();
  }

  /// Makes a browser forget it.
  static ResponseCookie forget(ServerHttpRequest request) {
    return cookie("", request).maxAge(0).build();
  }

  private static ResponseCookie.ResponseCookieBuilder cookie(
      String value, ServerHttpRequest request) {
    return ResponseCookie.from(COOKIE, value)
        .httpOnly(true)
        .sameSite("Strict")
        .path("/")
        .secure("https".equals(request.getURI().getScheme()));
  }

  private static Optional<String> nonBlank(@Nullable String value) {
    return Optional.ofNullable(value).map(String::strip).filter(v -> !v.isEmpty());
  }
}
