package dev.slabstream.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.api.RawHttp;
import dev.slabstream.config.SlowService;
import dev.slabstream.config.TestModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A heap that one request fills: a process of its own, and an [OutOfMemoryError] that nobody injects.
@Timeout(180)
class SmallHeapIT {
  private static final String HEAP = "-Xmx96m";

  /// More than the heap holds, and within the limit that is set.
  private static final int BODY_BYTES = 150 << 20;

  @TempDir private Path folder;

  private static byte[] body(int maxNewTokens) {
    return """
        {"inputs":"Once","stream":true,"parameters":{"ignore_eos":true,"max_new_tokens":%d}}"""
        .formatted(maxNewTokens)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static RawHttp send(int port, byte[] body) throws IOException {
    RawHttp http = new RawHttp(port);
    http.send("POST", "/generate", body, "Content-Type: application/json", "Connection: close");
    return http;
  }

  private static String stream(int port, int maxNewTokens) throws IOException {
    try (RawHttp http = send(port, body(maxNewTokens))) {
      return http.readReply().body();
    }
  }

  @Test
  void aBodyThatTheHeapDoesNotHoldFailsItsRequestAndNoOther() throws Exception {
    Path log = folder.resolve("log");
    try (LaunchedService service =
        LaunchedService.start(
            SlowService.class,
            List.of(
                HEAP,
                "-D" + SlowService.LAYER_TIME + "=" + Duration.ofMillis(3),
                "-D" + SlowService.HANG_FILE + "=" + folder.resolve("hang")),
            log,
            LaunchedService::isReady,
            "--slabstream.model.path=" + TestModel.TINY,
            "--slabstream.model.warm-up=false",
            "--slabstream.kv-cache.size=4MB",
            "--slabstream.engine.threads=1",
            "--slabstream.api.max-body-size=200MB")) {
      int port = service.port();
      String expected = stream(port, 200);
      try (RawHttp running = send(port, body(200))) {
        running.readUntil(text -> text.contains("\"index\":1,"));
        // Who is still sending when the server closes may lose the answer.
        String refused = sendTooMuch(port);
        if (!refused.isEmpty()) {
          assertThat(refused)
              .startsWith("HTTP/1.1 500 ")
              .endsWith("{\"error\":\"an internal error\",\"error_type\":\"internal\"}");
        }
        assertThat(running.readReply().body()).isEqualTo(expected);
      }
      assertThat(Files.readString(log)).contains("java.lang.OutOfMemoryError: Java heap space");
      assertThat(stream(port, 200)).isEqualTo(expected);
      assertThat(LaunchedService.isReady(port)).isTrue();
      assertThat(RawHttp.exchange(port, "GET", "/actuator/prometheus", "").body())
          .containsPattern("(?m)^slabstream_kv_leases(\\{.*})? 0\\.0$")
          .contains("slabstream_requests_refused_total{error_type=\"internal\"} 1.0");
    }
  }

  /// Sends on until the server has heard enough.
  private static String sendTooMuch(int port) throws Exception {
    try (RawHttp http = new RawHttp(port)) {
      http.sendRaw(
          ("POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  + "Connection: close\r\nContent-Length: %d\r\n\r\n")
              .formatted(BODY_BYTES)
              .getBytes(StandardCharsets.US_ASCII));
      byte[] blanks = new byte[1 << 20];
      Arrays.fill(blanks, (byte) ' ');
      Thread sending =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      for (int sent = 0; sent < BODY_BYTES; sent += blanks.length) {
                        if (!http.sendWhileHeard(blanks)) {
                          return;
                        }
                      }
                    } catch (IOException e) {
                      throw new UncheckedIOException(e);
                    }
                  });
      String reply = http.readToTheEnd();
      http.close();
      sending.join();
      return reply;
    }
  }
}
