package dev.slabstream.engine;

import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/// Decides who computes how many tokens in a step, and who is admitted. Owned by the engine's thread.
///
/// A step has a budget of `maxBatchTokens` tokens, given out in this order:
///
/// 1. *Decodes*: one token to each running sequence whose prompt is computed. `maxRunning <= maxBatchTokens`, so each has its
///    token in every step, and at least one is left when any prompt waits for it.
/// 2. *Prompts of running sequences*, in order of admission: each as many tokens as it has left and the budget allows. Beside
///    decodes all prompts together get `maxMixedPromptTokens` at most.
/// 3. *Admissions*, strictly first come first served, while budget is left, fewer than `maxRunning` run, and the slab has room
///    for the whole of the sequence at the head of the queue: its first chunk is part of the same step. A sequence that does not
///    fit yet holds up those behind it, so that large ones don't starve; what it waits for are leases that all come back.
final class Scheduler {
  private final EngineSettings settings;
  private final KvSlab slab;
  private final int window;
  private final LongSupplier nanoClock;

  final Deque<Sequence> waiting = new ArrayDeque<>();

  /// In order of admission. Never grows beyond its first capacity, so adding cannot fail and lose a lease.
  final List<Sequence> running;

  /// @param window positions that some layer still needs, 0 = all
  Scheduler(EngineSettings settings, KvSlab slab, int window, LongSupplier nanoClock) {
    this.settings = settings;
    this.slab = slab;
    this.window = window;
    this.nanoClock = nanoClock;
    running = new ArrayList<>(settings.maxRunning());
  }

  /// Fills `batch` with the next step.
  ///
  /// @param beginning is told of a sequence that has its lease now; false when it could not begin, has ended and is removed
  void schedule(StepBatch batch, Predicate<Sequence> beginning) {
    int budget = settings.maxBatchTokens();
    for (Sequence sequence : running) {
      if (sequence.isDecoding()) {
        batch.add(sequence, 1);
        budget--;
      }
    }
    if (batch.numSequences() > 0) {
      budget = Math.min(budget, settings.maxMixedPromptTokens());
    }
    for (Sequence sequence : running) {
      if (!sequence.isDecoding() && budget > 0) {
        budget -= addChunk(batch, sequence, budget);
      }
    }
    while (budget > 0 && running.size() < settings.maxRunning() && admitNext()) {
      Sequence admitted = running.getLast();
      if (beginning.test(admitted)) {
        budget -= addChunk(batch, admitted, budget);
      }
    }
  }

  private static int addChunk(StepBatch batch, Sequence sequence, int budget) {
    int chunk = Math.min(sequence.numTokens() - sequence.numComputedTokens(), budget);
    batch.add(sequence, chunk);
    return chunk;
  }

  /// Moves the head of the queue to the running ones, if the slab has room for it.
  private boolean admitNext() {
    Sequence head = waiting.peek();
    if (head == null) {
      return false;
    }
    Optional<KvLease> lease =
        slab.lease(head.request.maxTokens(), window, settings.maxBatchTokens());
    if (lease.isEmpty()) {
      return false;
    }
    head.lease(lease.get(), nanoClock.getAsLong());
    running.add(waiting.remove());
    return true;
  }

  boolean isIdle() {
    return waiting.isEmpty() && running.isEmpty();
  }
}
