package dev.slabstream.config;

import dev.slabstream.api.ServiceInfo;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import dev.slabstream.generation.Readiness;
import dev.slabstream.generation.Sessions;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/// What stands between the edge and the model: refuses while the model loads, lets through while it
/// serves and while it is about to end, refuses again while it ends. Lives as long as the
/// application; thread-safe.
public final class ServiceGate
    implements GenerationService, Sessions, ServiceInfo.Source, Readiness {
  /// Where the service is in its life.
  public sealed interface State {
    /// @param doing what is being done, for the client that asks too early
    record Loading(String doing) implements State {}

    record Serving(GenerationService service, Sessions sessions, ServiceInfo info)
        implements State {}

    /// Serves still, and asks to be sent nothing more.
    record Leaving(Serving serving) implements State {}

    record Draining() implements State {}
  }

  /// Who is let through before the gate opens: requests with this session id, to this service.
  private record Rehearsal(String sessionId, GenerationService service) {}

  private volatile State state = new State.Loading("starting");
  private volatile @Nullable Rehearsal rehearsal;

  public State state() {
    return state;
  }

  /// Tells what loading does now. Has no effect once the service serves or drains.
  synchronized void loading(String doing) {
    if (state instanceof State.Loading) {
      state = new State.Loading(doing);
    }
  }

  /// Lets requests of our own through, until the gate opens or closes.
  ///
  /// @param sessionId what they carry; nobody else may know it
  synchronized void rehearse(String sessionId, GenerationService service) {
    if (state instanceof State.Loading) {
      rehearsal = new Rehearsal(sessionId, service);
    }
  }

  /// Opens the gate.
  ///
  /// @return false when the service is ending already
  synchronized boolean open(GenerationService service, Sessions sessions, ServiceInfo info) {
    if (state instanceof State.Draining) {
      return false;
    }
    rehearsal = null;
    state = new State.Serving(service, sessions, info);
    return true;
  }

  /// Asks senders to go elsewhere, and takes what they send nevertheless.
  ///
  /// @return false when nothing is served, so that there is nothing to announce
  synchronized boolean leave() {
    if (state instanceof State.Serving serving) {
      state = new State.Leaving(serving);
      return true;
    }
    return false;
  }

  /// Closes the gate for good; who is inside stays.
  synchronized void drain() {
    rehearsal = null;
    state = new State.Draining();
  }

  @Override
  public Flux<GenerationEvent> generate(GenerateRequest request, @Nullable String sessionId) {
    return Flux.defer(
        () -> {
          Rehearsal own = rehearsal;
          return own != null && own.sessionId().equals(sessionId)
              ? own.service().generate(request, null)
              : serving().service().generate(request, sessionId);
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
    return switch (state) {
      case State.Serving serving -> serving.sessions().size();
      case State.Leaving(State.Serving serving) -> serving.sessions().size();
      case State.Loading _, State.Draining _ -> 0;
    };
  }

  @Override
  public void check() {
    serving();
    if (state instanceof State.Leaving) {
      throw new GenerationException(
          ErrorType.DRAINING,
          "the service is about to shut down; it still takes requests for a moment");
    }
  }

  private State.Serving serving() {
    return switch (state) {
      case State.Serving serving -> serving;
      case State.Leaving(State.Serving serving) -> serving;
      case State.Loading loading ->
          throw new GenerationException(
              ErrorType.LOADING, "the service is not ready yet: " + loading.doing());
      case State.Draining _ ->
          throw new GenerationException(
              ErrorType.DRAINING, "the service is shutting down and takes no new requests");
    };
  }
}
