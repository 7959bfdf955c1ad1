package dev.slabstream.config;

import dev.slabstream.api.ServiceInfo;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import dev.slabstream.generation.Sessions;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/// What stands between the edge and the model: refuses while the model loads, lets through while it serves, refuses again while the
/// service ends, and knows how many requests are inside. Lives as long as the application; thread-safe.
public final class ServiceGate implements GenerationService, Sessions, ServiceInfo.Source {
  /// Where the service is in its life.
  public sealed interface State {
    /// @param doing what is being done, for the client that asks too early
    record Loading(String doing) implements State {}

    record Serving(GenerationService service, Sessions sessions, ServiceInfo info)
        implements State {}

    record Draining() implements State {}
  }

  private volatile State state = new State.Loading("starting");

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition emptied = lock.newCondition();
  private int inFlight;

  public State state() {
    return state;
  }

  /// Tells what loading does now. Has no effect once the service serves or drains.
  void loading(String doing) {
    lock.lock();
    try {
      if (state instanceof State.Loading) {
        state = new State.Loading(doing);
      }
    } finally {
      lock.unlock();
    }
  }

  /// Opens the gate.
  ///
  /// @return false when the service is ending already
  boolean open(GenerationService service, Sessions sessions, ServiceInfo info) {
    lock.lock();
    try {
      if (state instanceof State.Draining) {
        return false;
      }
      state = new State.Serving(service, sessions, info);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Closes the gate for good; who is inside stays.
  void drain() {
    lock.lock();
    try {
      state = new State.Draining();
    } finally {
      lock.unlock();
    }
  }

  /// Waits until nobody is inside.
  ///
  /// @return false when `timeout` came first
  boolean awaitEmpty(Duration timeout) throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      while (inFlight > 0) {
        if (nanos <= 0) {
          return false;
        }
        nanos = emptied.awaitNanos(nanos);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Requests inside.
  public int inFlight() {
    lock.lock();
    try {
      return inFlight;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Flux<GenerationEvent> generate(GenerateRequest request, @Nullable String sessionId) {
    return Flux.defer(
        () -> {
          GenerationService service = enter();
          return service.generate(request, sessionId).doFinally(_ -> leave());
        });
  }

  @Override
  public ServiceLimits limits() {
    return serving().service().limits();
  }

  @Override
  public ServiceInfo info() {
    return serving().info();
  }

  @Override
  public SessionInfo create(GenerateParameters defaults) {
    return serving().sessions().create(defaults);
  }

  @Override
  public SessionInfo get(String id) {
    return serving().sessions().get(id);
  }

  @Override
  public void delete(String id) {
    serving().sessions().delete(id);
  }

  @Override
  public int size() {
    return state instanceof State.Serving serving ? serving.sessions().size() : 0;
  }

  private State.Serving serving() {
    return switch (state) {
      case State.Serving serving -> serving;
      case State.Loading loading ->
          throw new GenerationException(
              ErrorType.LOADING, "the service is not ready yet: " + loading.doing());
      case State.Draining _ ->
          throw new GenerationException(
              ErrorType.DRAINING, "the service is shutting down and takes no new requests");
    };
  }

  /// Checks and counts under one lock, so that a drain never overlooks a request that has just come in.
  private GenerationService enter() {
    lock.lock();
    try {
      GenerationService service = serving().service();
      inFlight++;
      return service;
    } finally {
      lock.unlock();
    }
  }

  private void leave() {
    lock.lock();
    try {
      inFlight--;
      if (inFlight == 0) {
        emptied.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }
}
