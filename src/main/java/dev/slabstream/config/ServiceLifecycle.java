package dev.slabstream.config;

import dev.slabstream.generation.EngineGenerationService;
import dev.slabstream.observability.ServiceMeters;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/// Brings the model up behind the open port, and the service down again.
///
/// Up: a thread loads, starts the engine, warms up, opens the gate; until then requests get 503
/// with a reason. What cannot be brought up ends the process with one message. Down, before the
/// port closes: the gate refuses, what runs gets the grace period, the rest is cancelled; then
/// engine, slab and kernels end, and every lease is back.
final class ServiceLifecycle implements SmartLifecycle {
  private static final Logger log = LoggerFactory.getLogger(ServiceLifecycle.class);

  private final SlabstreamProperties properties;
  private final ServiceAssembly assembly;
  private final ServiceGate gate;
  private final ServiceMeters meters;
  private final ProcessExit exit;

  private @Nullable Thread loader;
  private volatile boolean stopping;
  private volatile @Nullable LoadedModel loaded;
  private volatile @Nullable EngineGenerationService service;

  ServiceLifecycle(
      SlabstreamProperties properties,
      ServiceAssembly assembly,
      ServiceGate gate,
      ServiceMeters meters,
      ProcessExit exit) {
    this.properties = properties;
    this.assembly = assembly;
    this.gate = gate;
    this.meters = meters;
    this.exit = exit;
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
      if (properties.model().warmUp()) {
        WarmUp.run(model, this::tell);
      }
      times.end("warm-up");
      EngineGenerationService generation = assembly.generation(model, meters);
      service = generation;
      StartupReport report = new StartupReport(model, times);
      meters.watch(assembly.metered(model, generation, report.secondsByPhase()));
      if (gate.open(generation, generation.sessions(), assembly.info(model, generation))) {
        log.info("{}", report);
      }
    } catch (Throwable e) {
      failed(e);
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
    gate.drain();
    log.error("The engine met an error that it cannot go on after; the process ends", error);
    exit.exit(ProcessExit.FATAL);
  }

  @Override
  public synchronized void stop() {
    Thread loading = loader;
    if (loading == null) {
      return;
    }
    loader = null;
    stopping = true;
    gate.drain();
    loading.interrupt();
    join(loading);
    endRequests();
    if (loaded != null) {
      loaded.close();
      log.info("Engine, slab and kernels are closed; every lease is back");
    }
  }

  private void endRequests() {
    EngineGenerationService generation = service;
    if (generation == null) {
      return;
    }
    generation.drain();
    Duration grace = properties.shutdown().gracePeriod();
    int running = generation.inFlight();
    if (running > 0) {
      log.info("{} requests are in flight; they have {} s", running, grace.toSeconds());
    }
    try {
      if (!generation.awaitIdle(grace)) {
        log.warn("The grace period is over; {} requests are cancelled", generation.inFlight());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    generation.close();
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
