package dev.slabstream.engine;

import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Decides who is admitted, and who computes how many tokens in a step. Owned by the engine's thread.
///
/// A step has a budget of `maxBatchTokens` tokens:
///
/// 1. *Decodes*: one token to each running sequence whose prompt is computed. `maxRunning <= maxBatchTokens`, so each has its token
///    in every step.
/// 2. *Prompts* share what [PromptBudget] allows beside them. The most urgent one takes as much as it has left, then the next.
///    *Urgent* is who has waited longest, divided by the weight of its prompt: 1 up to [#SHORT_PROMPT] tokens, and 1 more for each
///    [#TOKENS_OF_WEIGHT] beyond. So short prompts are served in the order in which they came, whatever their lengths. A long one is
///    put off by them until it has waited its weight times as long as the one of them that has waited longest, and a short one waits
///    for a long one until it has waited for that part of the long one's time.
///
/// *Admission*: a sequence waits in the queue until it is its turn to compute, and has no lease before: so the queue's limits bound
/// what is ahead of a new one, and blocks are kept for who uses them. It is admitted while fewer than `maxRunning` run and the slab
/// has room for the whole of it, its prompt and all new tokens. Who does not fit yet is passed by less urgent ones that do, so that
/// free blocks are used; but `maxRunning` times at most: then nobody passes any more, and the leases that run give it room, since
/// all of them end.
///
/// A paused sequence takes no part. It keeps its lease and its place among the running ones: what it has computed is kept for the
/// moment when its client reads on, and how long that may take is for its owner to limit.
///
/// What is cached of a prompt counts as computed while it waits, is taken at admission, and looked for again before each further
/// chunk. A sequence waits while another one computes the block that it comes to next, or has computed some of it, to take it when it
/// is full: prompts with the same beginning that come at the same moment compute it once.
final class Scheduler {
  /// Tokens of a prompt up to which its length does not matter for its turn: under overload the waits of all together are what the
  /// queue takes, and if the shorter ones had less of it, the longest would have several times that.
  static final int SHORT_PROMPT = 512;

  /// Tokens that add 1 to the weight: a prompt of 4,000 weighs 14.6, so that short ones wait for a fifteenth of its time.
  static final int TOKENS_OF_WEIGHT = 256;

  private final EngineSettings settings;
  private final KvSlab slab;
  private final int window;
  private final LongSupplier nanoClock;
  private final PromptBudget promptBudget;

  /// In order of submission.
  final Deque<Sequence> waiting = new ArrayDeque<>();

  /// In order of admission. Never grows beyond its first capacity, so adding cannot fail and lose a lease.
  final List<Sequence> running;

  /// Of a step: those whose prompt is to be computed, admitted or not.
  private final List<Sequence> prompts;

  /// Of a step: those that did not fit.
  private final List<Sequence> passed = new ArrayList<>();

  private int numPaused;

  /// @param window positions that some layer still needs, 0 = all
  Scheduler(EngineSettings settings, KvSlab slab, int window, LongSupplier nanoClock) {
    this.settings = settings;
    this.slab = slab;
    this.window = window;
    this.nanoClock = nanoClock;
    promptBudget = new PromptBudget(settings);
    running = new ArrayList<>(settings.maxRunning());
    prompts = new ArrayList<>(settings.maxRunning());
  }

  /// Fills `batch` with the next step.
  ///
  /// @param beginning is told of a sequence that has its lease now; when it cannot begin it has ended and is removed
  void schedule(StepBatch batch, Consumer<Sequence> beginning) {
    for (Sequence sequence : running) {
      if (!sequence.isPaused()) {
        batch.takeCached(sequence);
      }
    }
    prompts.clear();
    numPaused = 0;
    for (Sequence sequence : running) {
      if (sequence.isPaused()) {
        numPaused++;
      } else if (sequence.isDecoding()) {
        batch.add(sequence, 1);
      } else {
        prompts.add(sequence);
      }
    }
    for (Sequence sequence : waiting) {
      if (!sequence.isPaused()) {
        sequence.findCached(slab);
        prompts.add(sequence);
      }
    }
    passed.clear();
    boolean mayAdmit = true;
    int numDecodes = batch.numSequences();
    int budget = promptBudget.tokensBeside(numDecodes);
    long nowNanos = nanoClock.getAsLong();
    while (budget > 0 && !prompts.isEmpty()) {
      Sequence next = prompts.remove(mostUrgent(nowNanos));
      if (anotherHasBegunNextBlockOf(next)) {
        continue;
      }
      if (next.isWaiting()) {
        mayAdmit = mayAdmit && running.size() < settings.maxRunning();
        if (!mayAdmit) {
          continue;
        }
        KvLease lease = leaseFor(next);
        if (lease == null) {
          passed.add(next);
          mayAdmit = next.timesPassed() < settings.maxRunning();
          continue;
        }
        admit(next, lease, beginning);
        mayAdmit = passOthers();
        if (next.hasEnded()) {
          continue;
        }
        batch.takeCached(next);
      }
      if (batch.computesNextBlockOf(next)) {
        continue;
      }
      int chunk = Math.min(next.numTokensToCompute(), budget);
      batch.add(next, chunk);
      budget -= chunk;
    }
  }

  /// The step that `batch` describes took `nanos`.
  void stepTook(StepBatch batch, long nanos) {
    int numPromptTokens = batch.numPromptTokens();
    promptBudget.learn(batch.numTokens() - numPromptTokens, numPromptTokens, nanos);
  }

  /// Its place in `prompts`; of equals the one that was admitted or submitted first.
  private int mostUrgent(long nowNanos) {
    int best = 0;
    double highest = -1;
    for (int i = 0; i < prompts.size(); i++) {
      Sequence sequence = prompts.get(i);
      double waited = nowNanos - sequence.submittedNanos();
      double urgency = waited / weight(sequence);
      if (urgency > highest) {
        highest = urgency;
        best = i;
      }
    }
    return best;
  }

  /// Of the whole prompt, also when it has begun: with the weight of what is left, one that has waited for long would go before all
  /// others from the middle on, and a short one wait for half of it.
  private static double weight(Sequence sequence) {
    int beyond = Math.max(0, sequence.numPromptTokensNotCached() - SHORT_PROMPT);
    return 1 + (double) beyond / TOKENS_OF_WEIGHT;
  }

  /// Then that one goes on with it: to begin it once more would be work for nothing.
  private boolean anotherHasBegunNextBlockOf(Sequence sequence) {
    for (Sequence other : running) {
      if (!other.isPaused()
          && !other.isDecoding()
          && other.numComputedTokens() > 0
          && sequence.awaits(other, other.numComputedTokens() - 1, 1)) {
        return true;
      }
    }
    return false;
  }

  private void admit(Sequence sequence, KvLease lease, Consumer<Sequence> beginning) {
    sequence.lease(lease, nanoClock.getAsLong());
    waiting.remove(sequence);
    running.add(sequence);
    beginning.accept(sequence);
  }

  /// One was admitted before those that are more urgent and did not fit; whether another one may be.
  private boolean passOthers() {
    boolean mayPass = true;
    for (Sequence each : passed) {
      mayPass &= each.pass() < settings.maxRunning();
    }
    return mayPass;
  }

  private @Nullable KvLease leaseFor(Sequence sequence) {
    Optional<KvLease> lease =
        slab.lease(sequence.request.maxTokens(), window, settings.maxBatchTokens());
    return lease.orElse(null);
  }

  /// Running sequences that took no part in the last step because they are paused.
  int numPaused() {
    return numPaused;
  }

  boolean isIdle() {
    return waiting.isEmpty() && running.isEmpty();
  }
}
