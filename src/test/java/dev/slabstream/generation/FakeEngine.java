package dev.slabstream.generation;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceListener;
import dev.slabstream.engine.SequenceListener.Verdict;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.engine.SequenceTimes;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SampledToken;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// An engine whose every move a test makes, on the test's thread.
final class FakeEngine implements SequenceQueue {
  private final AdmissionGate gate;
  private final BlockingQueue<Submission> submissions = new LinkedBlockingQueue<>();
  private final List<Submission> all = new CopyOnWriteArrayList<>();
  final List<CacheScope> forgotten = new CopyOnWriteArrayList<>();
  private volatile @Nullable RuntimeException refusal;
  private volatile @Nullable Error failure;
  private volatile Runnable duringSubmit = () -> {};

  FakeEngine(AdmissionGate gate) {
    this.gate = gate;
  }

  @Override
  public AdmissionGate gate() {
    return gate;
  }

  /// Lets every further submission fail.
  void refuseWith(RuntimeException refusal) {
    this.refusal = refusal;
  }

  /// Lets every further submission fail, or none any more.
  void failWith(@Nullable Error failure) {
    this.failure = failure;
  }

  /// Is run while a sequence is submitted, before anybody has its handle.
  void duringSubmit(Runnable action) {
    duringSubmit = action;
  }

  @Override
  public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
    RuntimeException refused = refusal;
    if (refused != null) {
      throw refused;
    }
    Error failing = failure;
    if (failing != null) {
      throw failing;
    }
    place.settle(request.promptIds().length);
    Submission submission = new Submission(request, place);
    all.add(submission);
    duringSubmit.run();
    submissions.add(submission);
    return submission;
  }

  @Override
  public void forget(CacheScope scope) {
    forgotten.add(scope);
  }

  /// The next sequence that was submitted.
  Submission take() {
    try {
      Submission submission = submissions.poll(20, TimeUnit.SECONDS);
      if (submission == null) {
        throw new AssertionError("nothing was submitted within 20 s");
      }
      return submission;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  boolean isEmpty() {
    return submissions.isEmpty();
  }

  /// Ends what a test left open, as an engine does when it is closed.
  void close() {
    refuseWith(new IllegalStateException("closed"));
    all.stream().filter(s -> !s.ended).forEach(s -> s.endCancelled(Phase.QUEUED));
  }

  static final class Submission implements SequenceHandle {
    static final SequenceTimes TIMES = new SequenceTimes(1, 2, 3, 4);

    private final SequenceRequest request;
    private final AdmissionGate.Place place;
    private volatile boolean cancelled;
    private volatile boolean paused;
    private volatile boolean ended;
    private int tokens;

    Submission(SequenceRequest request, AdmissionGate.Place place) {
      this.request = request;
      this.place = place;
    }

    SequenceRequest request() {
      return request;
    }

    SequenceListener listener() {
      return request.listener();
    }

    boolean cancelled() {
      return cancelled;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public void pause() {
      paused = true;
    }

    @Override
    public void resume() {
      paused = false;
    }

    boolean paused() {
      return paused;
    }

    Submission admit() {
      place.admit();
      listener().onAdmitted();
      return this;
    }

    Verdict token(int id) {
      return listener().onToken(tokens++, new SampledToken(id, -0.5f, List.of()));
    }

    private void end() {
      place.leave();
      ended = true;
    }

    void finish(FinishReason reason) {
      end();
      listener().onFinished(reason, TIMES);
    }

    void fail(Throwable cause) {
      end();
      listener().onFailed(cause, TIMES);
    }

    /// Ends it as the engine does after [#cancel()].
    void endCancelled(Phase phase) {
      end();
      listener().onCancelled(phase, TIMES);
    }
  }
}
