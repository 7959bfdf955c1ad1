package dev.slabstream.engine;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.sampling.SampledToken;
import java.lang.System.Logger.Level;
import java.util.Iterator;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The steps of the engine, one after the other, on one thread: what [Engine] owns beyond its thread.
///
/// A step: take in submissions and cancellations; schedule; compute, sampling as the logits come; hand the tokens out; end what is
/// complete. Every end goes through [#end], and every failure has a radius:
///
/// - whatever a sampler or listener throws, an [Error] too, logits that are not finite, and a limit of time end that sequence: what
///   they run on is its own;
/// - an exception or an [OutOfMemoryError] of the forward pass or the scheduler ends the sequences of the step;
///   When it was thrown before anything was computed, the step is tried once more first;
/// - any other [Error] of those ends all sequences and leaves the step: what all of them share is in doubt then.
final class StepLoop {
  private static final System.Logger LOG = System.getLogger(StepLoop.class.getName());

  private final SubmissionQueue submissions;
  private final Scheduler scheduler;
  private final KvSlab slab;
  private final LanguageModel model;
  private final SamplerFactory samplers;
  private final EngineCounters counters;
  private final EngineEvents events;
  private final LongSupplier nanoClock;
  private final StepBatch batch;
  private final Consumer<Sequence> beginning = this::begin;

  private volatile boolean cancellationsPending;
  private volatile boolean scopesClosed;
  private volatile int numRunning;
  private volatile int numPaused;
  private int endedInStep;
  private boolean computing;

  /// The last step failed before it computed anything.
  private boolean failedEarly;

  /// No sequence's time is over before this moment.
  private long nextDeadline = Deadlines.NEVER;

  StepLoop(
      SubmissionQueue submissions,
      Scheduler scheduler,
      KvSlab slab,
      StepBatch batch,
      LanguageModel model,
      SamplerFactory samplers,
      EngineCounters counters,
      EngineEvents events,
      LongSupplier nanoClock) {
    this.submissions = submissions;
    this.scheduler = scheduler;
    this.slab = slab;
    this.batch = batch;
    this.model = model;
    this.samplers = samplers;
    this.counters = counters;
    this.events = new GuardedEvents(events);
    this.nanoClock = nanoClock;
  }

  /// Some sequence asks for its end. Any thread.
  void signalCancellation() {
    cancellationsPending = true;
  }

  /// Some cache scope was closed. Any thread.
  void signalClosedScope() {
    scopesClosed = true;
  }

  /// Sequences that hold a lease. Any thread.
  int numRunning() {
    return numRunning;
  }

  /// Sequences that hold a lease and compute nothing, as of the last step. Any thread.
  int numPaused() {
    return numPaused;
  }

  /// Nobody waits or runs, as of the last step.
  boolean isIdle() {
    return scheduler.isIdle();
  }

  /// When the next step is due though nobody asks for it. A moment at which nothing is to do is possible, a late one is not. The
  /// engine's thread.
  long nextDeadline() {
    return nextDeadline;
  }

  /// @return tokens computed and sequences ended, or 1 when the step is to be tried again
  int step() {
    endedInStep = 0;
    computing = false;
    batch.clear();
    try {
      takeIn();
      scheduler.schedule(batch, beginning);
      counters.cachedTokens.add(batch.numCachedTokens());
      numRunning = scheduler.running.size();
      numPaused = scheduler.numPaused();
      if (batch.numSequences() > 0) {
        compute();
      }
      failedEarly = false;
    } catch (Exception | OutOfMemoryError e) {
      counters.failedSteps.increment();
      // Who was to be ended may not have been.
      cancellationsPending = true;
      nextDeadline = nanoClock.getAsLong();
      failedEarly = !computing && !failedEarly;
      if (failedEarly) {
        Guarded.log(LOG, Level.WARNING, "A step failed before it computed; it is tried again", e);
        return 1;
      }
      failStep(e);
    } catch (Error e) {
      endAll(new Outcome.Failed(e));
      throw e;
    }
    return batch.numTokens() + endedInStep;
  }

  private void takeIn() {
    if (scopesClosed) {
      // Cleared before the scopes are read, as below.
      scopesClosed = false;
      slab.forgetClosedScopes();
    }
    // Read and cleared before the queue is emptied and the flags of the sequences are read: whoever
    // signalled until here is found then, however late it was submitted; who asks later signals
    // anew.
    boolean cancelling = cancellationsPending;
    if (cancelling) {
      cancellationsPending = false;
    }
    nextDeadline = Deadlines.earlier(nextDeadline, submissions.drainTo(scheduler.waiting));
    if (cancelling) {
      endCancelled();
    }
    long now = nanoClock.getAsLong();
    if (Deadlines.isPast(nextDeadline, now)) {
      endOverdue(now);
    }
  }

  private void endCancelled() {
    for (int i = scheduler.running.size() - 1; i >= 0; i--) {
      if (scheduler.running.get(i).isCancelRequested()) {
        end(scheduler.running.get(i), new Outcome.Cancelled());
      }
    }
    for (Iterator<Sequence> it = scheduler.waiting.iterator(); it.hasNext(); ) {
      Sequence sequence = it.next();
      if (sequence.isCancelRequested()) {
        end(sequence, new Outcome.Cancelled());
        it.remove();
      }
    }
  }

  /// Ends whose time is over, and finds out when the next one's is. Before the admissions of a step: whoever is late is not
  /// admitted.
  private void endOverdue(long nowNanos) {
    nextDeadline = Deadlines.NEVER;
    for (int i = scheduler.running.size() - 1; i >= 0; i--) {
      endIfOverdue(scheduler.running.get(i), nowNanos);
    }
    for (Iterator<Sequence> it = scheduler.waiting.iterator(); it.hasNext(); ) {
      Sequence sequence = it.next();
      endIfOverdue(sequence, nowNanos);
      if (sequence.hasEnded()) {
        it.remove();
      }
    }
  }

  private void endIfOverdue(Sequence sequence, long nowNanos) {
    TimeLimitException.Limit limit = sequence.timeLimit(nowNanos);
    if (limit != null) {
      end(sequence, new Outcome.Failed(new TimeLimitException(limit)));
    } else {
      nextDeadline = Deadlines.earlier(nextDeadline, sequence.deadline());
    }
  }

  private void leaveQueue(Sequence sequence) {
    submissions.left();
    sequence.leaveQueue();
  }

  /// A sequence has its lease: makes it ready to compute.
  private void begin(Sequence sequence) {
    leaveQueue(sequence);
    numRunning = scheduler.running.size();
    SequenceRequest request = sequence.request;
    try {
      sequence.begin(
          samplers.create(request.sampling(), request.promptIds(), model.config().vocabSize()));
      request.listener().onAdmitted();
    } catch (Throwable e) {
      end(sequence, new Outcome.Failed(e));
      return;
    }
    events.onAdmitted(sequence.admittedNanos() - sequence.submittedNanos());
  }

  private void compute() {
    computing = true;
    long startNanos = nanoClock.getAsLong();
    counters.steps.increment();
    model.forward(batch.slices(), batch);
    long nowNanos = nanoClock.getAsLong();
    scheduler.stepTook(batch, nowNanos - startNanos);
    counters.promptTokens.add(batch.numPromptTokens());
    for (int i = 0; i < batch.numSequences(); i++) {
      deliver(i, nowNanos);
    }
    events.onStep(
        batch.numTokens(), batch.numPromptTokens(), batch.numSequences(), nowNanos - startNanos);
  }

  /// Brings sequence `i` of the batch up to date and hands its new token out, if there is one.
  private void deliver(int i, long nowNanos) {
    Sequence sequence = batch.sequence(i);
    Throwable failure = batch.failure(i);
    if (failure == null) {
      try {
        advance(sequence, batch.slices().get(i).count(), batch.sampled(i), nowNanos);
        return;
      } catch (Throwable e) {
        failure = e;
      }
    }
    end(sequence, new Outcome.Failed(failure));
  }

  private void advance(Sequence sequence, int count, @Nullable SampledToken token, long nowNanos) {
    sequence.advance(count);
    if (token == null) {
      if (sequence.numComputedTokens() == sequence.numTokens()) {
        throw new IllegalStateException(
            "the model gave no logits for position " + (sequence.numTokens() - 1));
      }
      return;
    }
    SequenceListener listener = sequence.request.listener();
    float[] promptLogprobs = sequence.promptLogprobs();
    if (promptLogprobs != null && !sequence.isDecoding()) {
      listener.onPromptLogprobs(promptLogprobs);
    }
    if (!sequence.isDecoding() && sequence.numCachedTokens() > 0) {
      listener.onCachedTokens(sequence.numCachedTokens());
    }
    SequenceListener.Verdict verdict = listener.onToken(sequence.numGeneratedTokens(), token);
    tellOfToken(sequence, nowNanos);
    sequence.append(token, nowNanos);
    FinishReason reason = sequence.finishReason(verdict);
    if (reason != null) {
      end(sequence, new Outcome.Finished(reason));
    }
  }

  private void tellOfToken(Sequence sequence, long nowNanos) {
    counters.generatedTokens.increment();
    if (sequence.isDecoding()) {
      events.onNextToken(nowNanos - sequence.lastTokenNanos());
    } else {
      events.onFirstToken(
          nowNanos - sequence.submittedNanos(), nowNanos - sequence.admittedNanos());
    }
  }

  /// Ends what has to do with a step that threw; somebody always, so that the next step is another one.
  private void failStep(Throwable cause) {
    Outcome outcome = new Outcome.Failed(cause);
    for (int i = 0; i < batch.numSequences(); i++) {
      end(batch.sequence(i), outcome);
    }
    if (endedInStep > 0) {
      return;
    }
    for (int i = scheduler.running.size() - 1; i >= 0; i--) {
      end(scheduler.running.get(i), outcome);
    }
    Sequence head = scheduler.waiting.peek();
    if (endedInStep == 0 && head != null) {
      end(head, outcome);
      scheduler.waiting.remove();
    }
  }

  /// Ends whatever runs or waits.
  void endAll(Outcome outcome) {
    numPaused = 0;
    submissions.drainTo(scheduler.waiting);
    for (int i = scheduler.running.size() - 1; i >= 0; i--) {
      end(scheduler.running.get(i), outcome);
    }
    Sequence sequence;
    while ((sequence = scheduler.waiting.peek()) != null) {
      end(sequence, outcome);
      scheduler.waiting.remove();
    }
  }

  /// The one way in which a sequence ends: lease back, then counted, then its owner is told.
  private void end(Sequence sequence, Outcome outcome) {
    if (sequence.hasEnded()) {
      return;
    }
    // What allocates comes first: if memory runs out here, nothing has changed, and the end is
    // tried again.
    SequenceTimes times = sequence.times(nanoClock.getAsLong());
    endedInStep++;
    Phase phase = sequence.phase();
    sequence.end(outcome);
    if (phase == Phase.QUEUED) {
      leaveQueue(sequence);
    } else {
      scheduler.running.remove(sequence);
      numRunning = scheduler.running.size();
    }
    // Before the end is counted: who waits for that finds this.
    if (sequence.isCancelRequested()) {
      counters.countCancelled(counters.steps.sum() - sequence.cancelRequestedAtStep());
    }
    counters.countEnd(outcome, phase);
    tellOwner(sequence, outcome, phase, times);
    events.onEnded(
        outcome, phase, sequence.numPromptTokens(), sequence.numGeneratedTokens(), times);
  }

  private static void tellOwner(
      Sequence sequence, Outcome outcome, Phase phase, SequenceTimes times) {
    SequenceListener listener = sequence.request.listener();
    try {
      switch (outcome) {
        case Outcome.Finished(FinishReason reason) -> listener.onFinished(reason, times);
        case Outcome.Failed(Throwable cause) -> listener.onFailed(cause, times);
        case Outcome.Cancelled _ -> listener.onCancelled(phase, times);
      }
    } catch (Throwable e) {
      // Its sequence is over and was told so: nothing is left to fail, and the others must hear of
      // their own ends.
      Guarded.log(LOG, Level.ERROR, "The listener of a sequence failed at its end", e);
    }
  }
}
