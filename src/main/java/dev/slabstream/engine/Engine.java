package dev.slabstream.engine;

import dev.slabstream.kvcache.BlockKeys;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.sampling.Sampler;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Advances all running sequences together: continuous batching.
///
/// One thread owns all state and takes one step after the other (see [StepLoop] for what a step does and how far a failure
/// reaches); it parks when there is nothing to do, and a submission, a cancellation or the end of a pause wakes it. Everybody else only hands requests
/// in, sets a flag to cancel, and is told through a [SequenceListener].
///
/// [#start()] gives the engine its thread. A test that wants to see every step never calls it and calls [#step()] itself.
///
/// The engine closes the leases it took and nothing else: model and slab belong to whoever made them, and must outlive it.
public final class Engine implements AutoCloseable {
  private enum State {
    OPEN,
    /// No submissions any more; ends when the last sequence does.
    DRAINING,
    /// Ends after the current step.
    CLOSED
  }

  private static final Duration FOREVER = Duration.ofMillis(Long.MAX_VALUE);

  private final EngineSettings settings;
  private final LanguageModel model;
  private final KvSlab slab;
  private final LongSupplier nanoClock;
  private final Consumer<Throwable> fatalHandler;
  private final AdmissionGate gate;
  private final SubmissionQueue submissions = new SubmissionQueue();
  private final EngineCounters counters = new EngineCounters();
  private final Heartbeat heartbeat;
  private final StepLoop loop;
  private final Runnable cancelSignal;

  private volatile State state = State.OPEN;
  private volatile @Nullable Thread thread;

  /// An engine that nobody watches, whose fatal errors are left to the thread's uncaught exception handler.
  public Engine(EngineSettings settings, LanguageModel model, KvSlab slab, LongSupplier nanoClock) {
    this(settings, model, slab, nanoClock, EngineEvents.NONE, Engine::rethrow);
  }

  /// @param nanoClock monotonic, in nanoseconds: [System#nanoTime()], or a test's
  /// @param events is told what happens, on the engine's thread
  /// @param fatalHandler is called on the engine's thread, as the last thing it does, with an [Error] (other than an
  ///     [OutOfMemoryError]) that came out of a step, or with what kept the engine from ending a sequence; all sequences have failed
  ///     with it. A service should end its process
  public Engine(
      EngineSettings settings,
      LanguageModel model,
      KvSlab slab,
      LongSupplier nanoClock,
      EngineEvents events,
      Consumer<Throwable> fatalHandler) {
    this(settings, model, slab, nanoClock, events, fatalHandler, Sampler::of);
  }

  Engine(
      EngineSettings settings,
      LanguageModel model,
      KvSlab slab,
      LongSupplier nanoClock,
      EngineEvents events,
      Consumer<Throwable> fatalHandler,
      SamplerFactory samplers) {
    this.settings = settings;
    this.model = model;
    this.slab = slab;
    this.nanoClock = nanoClock;
    this.fatalHandler = fatalHandler;
    gate = new AdmissionGate(settings.maxQueue(), settings.maxQueueTokens(), nanoClock);
    heartbeat = new Heartbeat(nanoClock);
    Scheduler scheduler = new Scheduler(settings, slab, model.config().cacheWindow(), nanoClock);
    loop =
        new StepLoop(
            submissions,
            scheduler,
            slab,
            new StepBatch(settings.maxRunning(), heartbeat),
            model,
            samplers,
            counters,
            events,
            nanoClock);
    cancelSignal =
        () -> {
          loop.signalCancellation();
          wake();
        };
  }

  /// The most tokens, prompt and new ones together, that a sequence can have: the model's context, or less if the slab is smaller.
  public int maxSequenceTokens() {
    int contextLength = model.config().contextLength();
    long slabTokens = slab.stats().numTokens();
    return needsMoreThanTheSlab(contextLength)
        ? (int) Math.min(contextLength, slabTokens)
        : contextLength;
  }

  private boolean needsMoreThanTheSlab(int maxTokens) {
    return slab.blocksNeeded(maxTokens, model.config().cacheWindow(), settings.maxBatchTokens())
        > slab.layout().numBlocks();
  }

  /// Where a request takes its place in the queue, if it does so before it can be submitted.
  public AdmissionGate gate() {
    return gate;
  }

  /// Puts a sequence in the queue. Any thread.
  ///
  /// @throws OverloadedException when the queue is full
  /// @throws IllegalArgumentException when the sequence is larger than the whole slab
  /// @throws IllegalStateException when the engine is draining or closed
  public SequenceHandle submit(SequenceRequest request) {
    AdmissionGate.Place place = gate.enter(request.promptIds().length);
    try {
      return submit(request, place);
    } catch (Throwable e) {
      place.leave();
      throw e;
    }
  }

  /// Puts a sequence that has its place in the queue.
  ///
  /// @param place of this engine's [#gate()]; the engine's from here on, but still the caller's when this throws
  /// @throws OverloadedException when its prompt is longer than was expected, and too long for the queue
  /// @throws IllegalArgumentException when the sequence is larger than the whole slab
  /// @throws IllegalStateException when the engine is draining or closed
  public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
    if (needsMoreThanTheSlab(request.maxTokens())) {
      throw new IllegalArgumentException(
          "prompt (%d) and new tokens (%d) together must be at most %d, what the slab holds; got %d"
              .formatted(
                  request.promptIds().length,
                  request.maxNewTokens(),
                  slab.stats().numTokens(),
                  request.maxTokens()));
    }
    place.settle(request.promptIds().length);
    Sequence sequence =
        new Sequence(
            request,
            keys(request),
            place,
            cancelSignal,
            this::wake,
            counters.steps::sum,
            nanoClock.getAsLong());
    submissions.add(sequence);
    counters.submitted.increment();
    wake();
    return sequence;
  }

  /// The keys of the prompt's blocks, made here: a long prompt's take a while, and the engine's thread has none to spare.
  private @Nullable BlockKeys keys(SequenceRequest request) {
    CacheScope scope = request.cacheScope();
    if (scope == null || request.promptLogprobs()) {
      return null;
    }
    BlockKeys keys = new BlockKeys(scope, slab.layout().blockTokens(), request.maxTokens());
    keys.extend(request.promptIds(), request.promptIds().length);
    return keys;
  }

  /// Closes `scope`: what is cached in it is reset before the next step computes anything, and nothing is left in it any more, also by
  /// sequences that still run. Any thread.
  public void forget(CacheScope scope) {
    scope.close();
    loop.signalClosedScope();
    wake();
  }

  private void wake() {
    // No effect on a thread that is null or runs, except that its next park returns at once: no
    // wake-up is lost.
    LockSupport.unpark(thread);
  }

  /// One step on the calling thread: for tests, which then never call [#start()].
  ///
  /// @return the number of tokens computed and sequences ended; 0 = idle
  public int step() {
    if (thread != null) {
      throw new IllegalStateException("the engine's own thread takes the steps");
    }
    heartbeat.beat();
    try {
      return loop.step();
    } finally {
      heartbeat.rest();
    }
  }

  /// Starts the engine's thread.
  public synchronized void start() {
    if (thread != null || state != State.OPEN) {
      throw new IllegalStateException("the engine was started or closed before");
    }
    thread = Thread.ofPlatform().name("slabstream-engine").start(this::run);
  }

  private void run() {
    // Known before the first park: until start() returns, a submission could not wake it otherwise.
    thread = Thread.currentThread();
    try {
      while (state != State.CLOSED) {
        // An interrupt means nothing here, and while it is pending no park would wait, neither
        // below nor in a kernel.
        Thread.interrupted();
        heartbeat.beat();
        if (loop.step() > 0) {
          continue;
        }
        if (state == State.DRAINING && submissions.numWaiting() == 0 && loop.isIdle()) {
          break;
        }
        heartbeat.rest();
        park();
      }
      loop.endAll(new Outcome.Cancelled());
      heartbeat.rest();
    } catch (Throwable e) {
      submissions.close();
      state = State.CLOSED;
      try {
        loop.endAll(new Outcome.Failed(e));
      } finally {
        fatalHandler.accept(e);
      }
    }
  }

  /// Until somebody wakes it, or the time of a sequence is over that cannot go on by itself.
  private void park() {
    long deadline = loop.nextDeadline();
    if (deadline == Deadlines.NEVER) {
      LockSupport.park(this);
    } else {
      LockSupport.parkNanos(this, deadline - nanoClock.getAsLong());
    }
  }

  private static void rethrow(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    throw new IllegalStateException(e);
  }

  /// May be called by any thread.
  public EngineStats stats() {
    return counters.stats(
        submissions.numWaiting(), loop.numRunning(), loop.numPaused(), gate.numRefused());
  }

  /// For how long the engine's thread has shown no sign of life although it has work: zero while it rests, and never more than a
  /// layer of a forward pass takes unless something hangs. Any thread.
  public Duration silence() {
    return Duration.ofNanos(heartbeat.silenceNanos());
  }

  /// Takes no more submissions, gives what waits and runs up to `grace` to end by itself, cancels the rest, and ends the thread.
  /// Every lease is back when it returns.
  public void drain(Duration grace) {
    submissions.close();
    Thread running = thread;
    if (running != null && running != Thread.currentThread()) {
      synchronized (this) {
        if (state == State.OPEN) {
          state = State.DRAINING;
        }
      }
      wake();
      join(running, grace);
    }
    close();
  }

  /// Cancels whatever is queued or running, and ends the thread. Every lease is back when it returns, unless the engine's own
  /// thread calls it (a listener): then as soon as the current step is over.
  @Override
  public void close() {
    close(FOREVER);
  }

  /// As [#close()], but waits for `limit` at most.
  ///
  /// @return whether the thread has ended. If not, a step takes longer than that, or hangs: nobody can say then that its leases will
  ///     come back, and it may still touch model and slab
  public boolean close(Duration limit) {
    submissions.close();
    Thread running;
    synchronized (this) {
      state = State.CLOSED;
      running = thread;
    }
    if (running == null) {
      loop.endAll(new Outcome.Cancelled());
      return true;
    }
    if (running != Thread.currentThread()) {
      wake();
      join(running, limit);
    }
    if (running.isAlive()) {
      return false;
    }
    synchronized (this) {
      // Nothing, unless the thread met an error while it ended them.
      loop.endAll(new Outcome.Cancelled());
    }
    return true;
  }

  /// Waits for the end of `running`; an interrupt is kept for the caller and does not cut the wait short.
  private static void join(Thread running, Duration limit) {
    boolean interrupted = false;
    long startNanos = System.nanoTime();
    while (true) {
      try {
        running.join(limit.minusNanos(System.nanoTime() - startNanos));
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
