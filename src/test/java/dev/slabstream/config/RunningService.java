package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.SlabstreamApplication;
import dev.slabstream.generation.FaultyTokenizer;
import dev.slabstream.kernel.FaultyKernels;
import dev.slabstream.kvcache.KvStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/// The whole service in this JVM, on a free port, over a tiny model unless the settings name
/// another.
public final class RunningService implements AutoCloseable {
  private final ConfigurableApplicationContext context;
  private final ServiceGate gate;
  private final ExitCodes exitCodes;

  static class TestBeans extends EdgeServer.OwnEventLoops {
    @Bean
    ExitCodes exitCodes() {
      return new ExitCodes();
    }
  }

  /// Sees the process end, and lives.
  static final class ExitCodes implements ProcessExit {
    final List<Integer> codes = new CopyOnWriteArrayList<>();

    @Override
    public void exit(int code) {
      codes.add(code);
    }
  }

  private RunningService(ConfigurableApplicationContext context) {
    this.context = context;
    this.gate = context.getBean(ServiceGate.class);
    this.exitCodes = context.getBean(ExitCodes.class);
  }

  /// Starts it and waits until it is ready.
  public static RunningService ready(String... settings) throws InterruptedException {
    return ready(starting(settings));
  }

  private static RunningService ready(RunningService service) throws InterruptedException {
    boolean open = await(() -> service.gate().state() instanceof ServiceGate.State.Serving);
    if (!open) {
      service.close();
      throw new IllegalStateException("the service did not become ready");
    }
    return service;
  }

  /// Starts it with kernels that can be made to fail, and waits until it is ready.
  public static RunningService faulty(String... settings) throws InterruptedException {
    return ready(starting(List.of(FaultyAssembly.Beans.class), settings));
  }

  /// Starts it and does not wait for the model.
  public static RunningService starting(String... settings) {
    return starting(List.of(), settings);
  }

  private static RunningService starting(List<Class<?>> moreBeans, String... settings) {
    Map<String, String> byName = new LinkedHashMap<>();
    byName.put("server.port", "0");
    byName.put("slabstream.model.path", TestModel.TINY.toString());
    byName.put("slabstream.kv-cache.size", "4MB");
    byName.put("slabstream.engine.threads", "1");
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      byName.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    String[] arguments =
        byName.entrySet().stream()
            .map(setting -> "--" + setting.getKey() + "=" + setting.getValue())
            .toArray(String[]::new);
    // Before the application's own, which stand back.
    List<Class<?>> sources = new ArrayList<>(List.of(TestBeans.class));
    sources.addAll(moreBeans);
    sources.add(SlabstreamApplication.class);
    return new RunningService(
        new SpringApplicationBuilder(sources.toArray(Class<?>[]::new)).run(arguments));
  }

  /// Waits until something holds; false when it does not within a while.
  public static boolean await(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Thread.sleep(5);
    }
    return true;
  }

  /// As [#await(BooleanSupplier)], and fails when it does not come true.
  ///
  /// @param what is waited for, as a claim
  public static void awaitThat(String what, BooleanSupplier condition) throws InterruptedException {
    assertThat(await(condition)).as(what).isTrue();
  }

  public ServiceGate gate() {
    return gate;
  }

  public int port() {
    return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
  }

  public LoadedModel loaded() {
    return lifecycle().loaded().orElseThrow();
  }

  ServiceLifecycle lifecycle() {
    return context.getBean(ServiceLifecycle.class);
  }

  /// Where a [#faulty(String...)] service gets its faults.
  public FaultyKernels kernels() {
    return context.getBean(FaultyKernels.class);
  }

  /// As above, where text meets ids.
  public FaultyTokenizer tokenizer() {
    return ((FaultyAssembly) context.getBean(ServiceAssembly.class)).faultyTokenizer();
  }

  public KvStats slab() {
    return loaded().slab().stats();
  }

  public WatchedConnections connections() {
    return context.getBean(WatchedConnections.class);
  }

  public int openConnections() {
    return context.getBean(ConnectionLimit.class).open();
  }

  public List<Integer> exitCodes() {
    return exitCodes.codes;
  }

  @Override
  public void close() {
    context.close();
  }
}
