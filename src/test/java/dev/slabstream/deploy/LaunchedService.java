package dev.slabstream.deploy;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The built jar as a user starts it, on a free port: a process of its own, with the launcher's
/// flags and the embedded model.
final class LaunchedService implements AutoCloseable {
  private static final Path JAR = Path.of("target", "slabstream.jar");
  private static final Pattern PORT = Pattern.compile("Netty started on port (\\d+)");
  private static final Duration START_LIMIT = Duration.ofMinutes(2);

  private final Process process;
  private final int port;

  private LaunchedService(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /// Starts it and waits until it takes requests.
  ///
  /// @param log gets what it prints
  static LaunchedService ready(Path log, String... settings)
      throws IOException, InterruptedException {
    if (!Files.exists(JAR)) {
      throw new IllegalStateException(JAR + " is not there; build it with: mvn package");
    }
    List<String> command = new ArrayList<>(List.of("bin/slabstream", "serve", "--server.port=0"));
    command.addAll(List.of(settings));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.startsWith("SLABSTREAM_"));
    builder
        .environment()
        .put("SLABSTREAM_JAVA", ProcessHandle.current().info().command().orElseThrow());
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      return new LaunchedService(process, awaitReady(process, log));
    } catch (IOException | RuntimeException | InterruptedException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static int awaitReady(Process process, Path log)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() < deadline) {
      Matcher port = PORT.matcher(Files.readString(log));
      if (port.find() && isReady(Integer.parseInt(port.group(1)))) {
        return Integer.parseInt(port.group(1));
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException("the service is not ready:\n" + Files.readString(log));
  }

  private static boolean isReady(int port) throws IOException {
    return RawHttp.exchange(port, "GET", "/actuator/health/readiness", "").status() == 200;
  }

  int port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  /// Asks it to end, and makes it end when it does not.
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
