package dev.slabstream.config;

import dev.slabstream.generation.EngineGenerationService;
import dev.slabstream.generation.GenerationObserver;
import dev.slabstream.observability.EngineHealthIndicator;
import dev.slabstream.observability.ServiceMeters;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/// Brings the model up behind the open port, and the service down again.
///
/// **Up:** a thread loads, starts the engine, warms up, opens the gate; until then requests get 503
/// with a reason. What cannot be brought up ends the process with one message.
///
/// **Down,** all of it while the port is open and answers:
/// 1. Readiness is down. Requests are still taken for the drain delay, so that whoever sends them
///    notices first.
/// 2. The gate refuses. What runs has the grace period, and so has a client to read on what has
///    ended; the rest is cancelled, and every client is handed its last event.
/// 3. Engine, slab and kernels end: every lease is back. A step that hangs cannot be ended, only
///    left behind: then nothing is freed and the process ends around it.
///
/// Only after that the web server closes its connections. Every wait here has a bound, so the
/// process ends at most ten seconds after the grace period.
final class ServiceLifecycle implements SmartLifecycle {
  private static final Logger log = LoggerFactory.getLogger(ServiceLifecycle.class);

  /// A loader sees an interrupt between two tensors.
  private static final Duration LOADER_LIMIT = Duration.ofSeconds(5);

  /// For a step of the engine, when its requests have been cancelled already.
  private static final Duration ENGINE_LIMIT = Duration.ofSeconds(1);

  private final SlabstreamProperties properties;
  private final ServiceAssembly assembly;
  private final ServiceGate gate;
  private final ServiceMeters meters;
  private final EngineHealthIndicator engineHealth;
  private final ProcessExit exit;
  private final HttpRehearsal http;

  private @Nullable Thread loader;
  private volatile boolean stopping;
  private volatile @Nullable LoadedModel loaded;
  private volatile @Nullable EngineGenerationService service;

  ServiceLifecycle(
      SlabstreamProperties properties,
      ServiceAssembly assembly,
      ServiceGate gate,
      ServiceMeters meters,
      EngineHealthIndicator engineHealth,
      ProcessExit exit,
      HttpRehearsal http) {
    this.properties = properties;
    this.assembly = assembly;
    this.gate = gate;
    this.meters = meters;
    this.engineHealth = engineHealth;
    this.exit = exit;
    this.http = http;
  }

  /// After everything else has come up, and down before anything else goes.
  @Override
  public int getPhase() {
    return Integer.MAX_VALUE;
  }

  @Override
  public synchronized void start() {
    loader = Thread.ofPlatform().name("slabstream-loader").start(this::load);
  }

  @Override
  public synchronized boolean isRunning() {
    return loader != null;
  }

  /// The model, once it is loaded; also after it was closed.
  Optional<LoadedModel> loaded() {
    return Optional.ofNullable(loaded);
  }

  private void load() {
    LoadTimes times = new LoadTimes();
    try {
      LoadedModel model = assembly.load(this::tell, meters, this::fatal);
      loaded = model;
      times.end("load");
      if (stopping) {
        return;
      }
      model.engine().start();
      engineHealth.watch("the engine", model.engine()::silence);
      if (properties.model().warmUp()) {
        warmUp(model);
      }
      times.end("warm-up");
      EngineGenerationService generation = assembly.generation(model, meters);
      service = generation;
      engineHealth.watch("the tokenizer", generation::tokenizerSilence);
      StartupReport report = new StartupReport(model, times);
      meters.watch(assembly.metered(model, generation, report.secondsByPhase()));
      if (gate.open(generation, generation.sessions(), assembly.info(model, generation))) {
        log.info("{}", report);
      }
    } catch (Throwable e) {
      failed(e);
    }
  }

  /// The requests over HTTP load classes on other threads than the engine's, which samples meanwhile.
  private void warmUp(LoadedModel model) throws InterruptedException {
    WarmUp warmUp = new WarmUp(model, this::tell);
    warmUp.kernels();
    try (EngineGenerationService unmetered = assembly.generation(model, GenerationObserver.NONE)) {
      Thread client =
          Thread.ofPlatform()
              .daemon()
              .name("slabstream-rehearsal")
              .start(() -> http.run(unmetered));
      warmUp.sampling();
      client.join();
    }
  }

  private void failed(Throwable cause) {
    if (stopping) {
      log.info("Loading was cut short by the end of the service");
      return;
    }
    if (cause instanceof ModelUnusableException) {
      log.error("Slabstream cannot start: {}", cause.getMessage());
      log.debug("Cause", cause);
    } else {
      log.error("Slabstream cannot start", cause);
    }
    exit.exit(ProcessExit.STARTUP_FAILED);
  }

  private void tell(String doing) {
    log.info("Start: {}", doing);
    gate.loading(doing);
  }

  /// The engine ended with an error: so does the process.
  void fatal(Throwable error) {
    try {
      gate.drain();
      log.error("The engine met an error that it cannot go on after; the process ends", error);
    } finally {
      exit.exit(ProcessExit.FATAL);
    }
  }

  @Override
  public synchronized void stop() {
    Thread loading = loader;
    if (loading == null) {
      return;
    }
    loader = null;
    stopping = true;
    if (gate.leave()) {
      announceEnd();
    }
    gate.drain();
    loading.interrupt();
    if (!ends(loading)) {
      log.warn("Loading does not let itself be cut short; the process ends without waiting for it");
      return;
    }
    endRequests();
    endModel();
  }

  /// Gives those who watch the readiness probe time to see it fall.
  private void announceEnd() {
    Duration delay = properties.shutdown().drainDelay();
    if (delay.isZero()) {
      return;
    }
    log.info("Readiness is down; requests are still taken for {} s", delay.toSeconds());
    try {
      Thread.sleep(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void endRequests() {
    EngineGenerationService generation = service;
    if (generation == null) {
      return;
    }
    generation.drain();
    Duration grace = properties.shutdown().gracePeriod();
    int open = generation.undelivered();
    if (open > 0) {
      log.info("{} requests are in flight or being read; they have {} s", open, grace.toSeconds());
    }
    try {
      if (!generation.awaitDelivered(grace)) {
        log.warn(
            "The grace period is over; {} requests are cancelled, {} clients have not read to the end",
            generation.inFlight(),
            generation.undelivered());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    generation.close();
  }

  private void endModel() {
    LoadedModel model = loaded;
    if (model == null) {
      return;
    }
    if (model.close(ENGINE_LIMIT)) {
      log.info("Engine, slab and kernels are closed; every lease is back");
    } else {
      log.error(
          "A step of the engine does not end (silent for {} s); the process ends around it, with {} leases that did not come back",
          model.engine().silence().toSeconds(),
          model.slab().stats().openLeases());
    }
  }

  private static boolean ends(Thread thread) {
    try {
      return thread.join(LOADER_LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
