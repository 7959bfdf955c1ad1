package dev.slabstream.deploy;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The service as a process of its own, on a free port: the built jar as a user starts it, or a
/// `main` of the tests.
public final class LaunchedService implements AutoCloseable {
  private static final Path JAR = Path.of("target", "slabstream.jar");
  private static final Pattern PORT = Pattern.compile("Netty started on port (\\d+)");
  private static final Duration START_LIMIT = Duration.ofMinutes(2);

  private final Process process;
  private final int port;

  private LaunchedService(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /// Starts the jar, with the launcher's flags and the embedded model, and waits until it takes
  /// requests.
  ///
  /// @param log gets what it prints
  public static LaunchedService ready(Path log, String... settings)
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
    return start(builder, log, LaunchedService::isReady);
  }

  /// Starts a `main` of the class path, and waits until its port is open and `ready`.
  ///
  /// @param flags for the JVM
  static LaunchedService start(
      Class<?> main, List<String> flags, Path log, IntPredicate ready, String... settings)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow"));
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.add("--server.port=0");
    command.addAll(List.of(settings));
    return start(new ProcessBuilder(command), log, ready);
  }

  private static LaunchedService start(ProcessBuilder builder, Path log, IntPredicate ready)
      throws IOException, InterruptedException {
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    // It does not outlive who is ended by a signal.
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(process::destroy));
    try {
      return new LaunchedService(process, awaitReady(process, log, ready));
    } catch (IOException | RuntimeException | InterruptedException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static int awaitReady(Process process, Path log, IntPredicate ready)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() < deadline) {
      Matcher port = PORT.matcher(Files.readString(log));
      if (port.find() && ready.test(Integer.parseInt(port.group(1)))) {
        return Integer.parseInt(port.group(1));
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException("the service is not ready:\n" + Files.readString(log));
  }

  /// Whether the service at `port` asks for requests.
  static boolean isReady(int port) {
    try {
      return RawHttp.exchange(port, "GET", "/actuator/health/readiness", "").status() == 200;
    } catch (SocketTimeoutException e) {
      // The first request of a process on a busy machine.
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public int port() {
    return port;
  }

  public long pid() {
    return process.pid();
  }

  /// Sends it SIGTERM.
  void terminate() {
    process.destroy();
  }

  boolean isRunning() {
    return process.isAlive();
  }

  /// How it ended; fails when it does not end by itself within `limit`.
  int exitCode(Duration limit) throws InterruptedException {
    if (!process.waitFor(limit)) {
      throw new AssertionError("it runs on after " + limit);
    }
    return process.exitValue();
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
