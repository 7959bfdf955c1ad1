package dev.slabstream.config;

import dev.slabstream.api.BodyBudget;
import dev.slabstream.api.ServiceInfo;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Import;
import org.springframework.http.client.ReactorResourceFactory;

/// The HTTP edge on a free port, over a [FakeGeneration] in place of a model.
public final class EdgeServer implements AutoCloseable {
  @EnableAutoConfiguration
  @ComponentScan({"dev.slabstream.api", "dev.slabstream.observability"})
  @Import({ServiceConfiguration.class, HttpServerConfiguration.class})
  static class Edge extends OwnEventLoops {}

  /// The global event loops die with whichever server of this JVM ends first.
  static class OwnEventLoops extends WatchedConnections.Beans {
    @Bean
    ReactorResourceFactory reactorResourceFactory() {
      ReactorResourceFactory resources = new ReactorResourceFactory();
      resources.setUseGlobalResources(false);
      return resources;
    }
  }

  private final ConfigurableApplicationContext context;
  private final FakeGeneration generation = new FakeGeneration();

  private EdgeServer(ConfigurableApplicationContext context) {
    this.context = context;
  }

  /// A server that serves.
  public static EdgeServer serving(String... settings) {
    EdgeServer server = loading(settings);
    server.open();
    return server;
  }

  /// A server that has no model yet.
  public static EdgeServer loading(String... settings) {
    List<String> arguments = new ArrayList<>(List.of("--server.port=0"));
    for (String setting : settings) {
      arguments.add("--" + setting);
    }
    return new EdgeServer(
        new SpringApplicationBuilder(Edge.class).run(arguments.toArray(String[]::new)));
  }

  public void open() {
    gate().open(generation, generation, INFO);
  }

  public void drain() {
    gate().drain();
  }

  public ServiceGate gate() {
    return context.getBean(ServiceGate.class);
  }

  public FakeGeneration generation() {
    return generation;
  }

  public WatchedConnections connections() {
    return context.getBean(WatchedConnections.class);
  }

  public int openConnections() {
    return context.getBean(ConnectionLimit.class).open();
  }

  /// Bytes that bodies of requests take of what they may.
  public long bodyBytes() {
    return context.getBean(BodyBudget.class).taken();
  }

  public int port() {
    return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
  }

  @Override
  public void close() {
    context.close();
  }

  private static final ServiceInfo INFO =
      new ServiceInfo(
          "fake",
          null,
          "q4_1",
          "cpu",
          "text-generation",
          64,
          1,
          4,
          511,
          512,
          1,
          1,
          "slabstream",
          "test",
          null,
          null,
          "llama",
          512,
          49152,
          "Q4_1",
          1,
          100,
          5,
          "scalar",
          "a test",
          0,
          1,
          true,
          1,
          512,
          16,
          "f32",
          "session");
}
