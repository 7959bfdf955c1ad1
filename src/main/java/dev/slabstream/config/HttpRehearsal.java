package dev.slabstream.config;

import dev.slabstream.generation.GenerationService;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.env.Environment;

/// Requests of our own to our own port, before it takes others: the classes of the HTTP path are
/// loaded by the first request that takes it, which would wait for that longer than for its tokens.
///
/// What goes wrong here (an encrypted port, say) makes the first request slower, and nothing else.
final class HttpRehearsal {
  private static final Logger log = LoggerFactory.getLogger(HttpRehearsal.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(3);
  private static final List<String> PATHS = List.of("/generate_stream", "/generate");

  /// The parameters that a session could have defaults of are said: this session is not one.
  private static final String BODY =
      """
      {"inputs": "The quick brown fox jumps over the lazy dog, twice.",
       "parameters": {"max_new_tokens": 8, "details": true, "decoder_input_details": false}}
      """;

  private final ServiceGate gate;
  private final Environment environment;

  /// @param environment knows the port that the server listens at, where there is one
  HttpRehearsal(ServiceGate gate, Environment environment) {
    this.gate = gate;
    this.environment = environment;
  }

  /// Asks each path once and waits for the answers.
  void run(GenerationService service) {
    Integer port = environment.getProperty("local.server.port", Integer.class);
    if (port == null) {
      return;
    }
    String sessionId = UUID.randomUUID().toString();
    gate.rehearse(sessionId, service);
    for (String path : PATHS) {
      try {
        log.debug("{} answered {}", path, ask(port, path, sessionId));
      } catch (IOException e) {
        log.debug("{} gave no answer: {}", path, e.toString());
      }
    }
  }

  /// The status line.
  private String ask(int port, String path, String sessionId) throws IOException {
    byte[] body = BODY.getBytes(StandardCharsets.UTF_8);
    String head =
        String.join(
            "\r\n",
            "POST " + path + " HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            "Content-Length: " + body.length,
            "X-Session-Id: " + sessionId,
            "Connection: close",
            "",
            "");
    try (Socket socket = new Socket()) {
      int millis = Math.toIntExact(TIMEOUT.toMillis());
      socket.setSoTimeout(millis);
      socket.connect(new InetSocketAddress(address(), port), millis);
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().write(body);
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().findFirst().orElse("");
    }
  }

  private InetAddress address() throws IOException {
    InetAddress bound = InetAddress.getByName(environment.getProperty("server.address", "0.0.0.0"));
    return bound.isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : bound;
  }
}
