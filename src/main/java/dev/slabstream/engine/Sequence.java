package dev.slabstream.engine;

import dev.slabstream.kvcache.BlockKeys;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.Sampler;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// One sequence, from submission to its end: its tokens, how many of them are computed, its lease and its moments.
///
/// There are no modes: `numTokens` tokens are known, `numComputedTokens` have their keys and values in the slab, and a step closes
/// the gap. While a prompt is computed the gap is what is left of it; afterwards it is the one token that was sampled last.
///
/// Owned by the engine's thread, except for what [SequenceHandle] asks for.
final class Sequence implements SequenceHandle {
  final SequenceRequest request;
  private final @Nullable BlockKeys keys;
  private final AdmissionGate.Place place;
  private final Runnable cancelSignal;
  private final Runnable resumeSignal;
  private final LongSupplier steps;
  private volatile boolean cancelRequested;
  private volatile long cancelRequestedAtStep;
  private volatile boolean paused;

  private @Nullable KvLease lease;
  private @Nullable Sampler sampler;

  /// Prompt and generated tokens; grows into `maxTokens` places when admitted.
  private int[] ids;

  private int numTokens;
  private int numCachedTokens;

  /// Of its prompt, seen while it waits; may be gone when it is admitted.
  private int numCachedAhead;

  private float @Nullable [] promptLogprobs;
  private int timesPassed;
  private boolean ended;

  private final long submittedNanos;
  private long admittedNanos;
  private long firstTokenNanos;
  private long lastTokenNanos;

  /// @param keys of the prompt's blocks; null when it has nothing to do with the prefix cache
  /// @param place in the queue; the sequence's own from here on
  /// @param cancelSignal tells the engine that some sequence asks for its end
  /// @param resumeSignal tells the engine that some sequence may compute again
  /// @param steps how many steps the engine has begun
  Sequence(
      SequenceRequest request,
      @Nullable BlockKeys keys,
      AdmissionGate.Place place,
      Runnable cancelSignal,
      Runnable resumeSignal,
      LongSupplier steps,
      long submittedNanos) {
    this.request = request;
    this.keys = keys;
    this.place = place;
    this.cancelSignal = cancelSignal;
    this.resumeSignal = resumeSignal;
    this.steps = steps;
    this.submittedNanos = submittedNanos;
    ids = request.promptIds();
    numTokens = ids.length;
  }

  @Override
  public void cancel() {
    if (!cancelRequested) {
      cancelRequestedAtStep = steps.getAsLong();
      cancelRequested = true;
    }
    cancelSignal.run();
  }

  boolean isCancelRequested() {
    return cancelRequested;
  }

  /// Steps that the engine had begun when its end was first asked for; 0 when it was not.
  long cancelRequestedAtStep() {
    return cancelRequestedAtStep;
  }

  /// How many that came later were admitted before it.
  int timesPassed() {
    return timesPassed;
  }

  /// One more was; how many now.
  int pass() {
    return ++timesPassed;
  }

  @Override
  public void pause() {
    paused = true;
  }

  @Override
  public void resume() {
    paused = false;
    resumeSignal.run();
  }

  boolean isPaused() {
    return paused;
  }

  /// It waits no longer: it has its lease, or it ends without one.
  void leaveQueue() {
    if (lease == null) {
      place.leave();
    } else {
      place.admit();
    }
  }

  /// When its time is over, as far as it has come.
  long deadline() {
    Deadlines deadlines = request.deadlines();
    return lease == null
        ? Deadlines.earlier(deadlines.admitBy(), deadlines.endBy())
        : deadlines.endBy();
  }

  /// Which limit of time it has reached, or null.
  TimeLimitException.@Nullable Limit timeLimit(long nowNanos) {
    Deadlines deadlines = request.deadlines();
    if (Deadlines.isPast(deadlines.endBy(), nowNanos)) {
      return TimeLimitException.Limit.REQUEST_TIME;
    }
    return lease == null && Deadlines.isPast(deadlines.admitBy(), nowNanos)
        ? TimeLimitException.Limit.QUEUE_TIME
        : null;
  }

  /// From here on the sequence owns `lease`, until it ends.
  void lease(KvLease lease, long nowNanos) {
    this.lease = lease;
    admittedNanos = nowNanos;
  }

  /// Makes an admitted sequence ready to compute.
  void begin(Sampler sampler) {
    this.sampler = sampler;
    ids = Arrays.copyOf(ids, request.maxTokens());
    if (request.promptLogprobs()) {
      promptLogprobs = new float[request.promptIds().length];
      promptLogprobs[0] = Float.NaN;
    }
  }

  KvLease lease() {
    return Objects.requireNonNull(lease, "not admitted");
  }

  Sampler sampler() {
    return Objects.requireNonNull(sampler, "not begun");
  }

  int[] ids() {
    return ids;
  }

  int numTokens() {
    return numTokens;
  }

  int numComputedTokens() {
    return lease().numComputedTokens();
  }

  /// It has no lease yet.
  boolean isWaiting() {
    return lease == null;
  }

  /// Sees, while it waits, how much of its prompt is cached.
  void findCached(KvSlab slab) {
    if (keys != null) {
      numCachedAhead = slab.numCachedTokens(keys, numCachedAhead, numPromptTokens() - 1);
    }
  }

  /// Tokens that are known and not computed; as long as it waits, as far as was seen.
  int numTokensToCompute() {
    return numTokens - (lease == null ? numCachedAhead : lease.numComputedTokens());
  }

  /// Tokens of its prompt that it computes or has computed itself; as long as it waits, as far as was seen.
  int numPromptTokensNotCached() {
    return numPromptTokens() - (lease == null ? numCachedAhead : numCachedTokens);
  }

  /// Takes what is cached of the next positions of its prompt: all but the last one, whose logits are wanted.
  ///
  /// @return the number of positions
  int takeCached() {
    if (keys == null || isDecoding()) {
      return 0;
    }
    int taken = lease().takeCached(keys, numPromptTokens() - 1);
    numCachedTokens += taken;
    return taken;
  }

  /// Positions of its prompt that were cached.
  int numCachedTokens() {
    return numCachedTokens;
  }

  /// Whether it could take the block that it comes to next, once `other` has computed it.
  boolean awaits(Sequence other, int firstPosition, int numPositions) {
    int position = lease == null ? numCachedAhead : numComputedTokens();
    int blockTokens = other.lease().slab().layout().blockTokens();
    int block = position / blockTokens;
    return keys != null
        && other.keys != null
        && position % blockTokens == 0
        && (block + 1) * blockTokens < numPromptTokens()
        && firstPosition / blockTokens <= block
        && block <= (firstPosition + numPositions - 1) / blockTokens
        && keys.matches(other.keys, block);
  }

  /// Counts `count` positions as computed, and leaves the blocks that are full now to others of its scope.
  void advance(int count) {
    if (keys != null) {
      keys.extend(ids, numComputedTokens() + count);
    }
    lease().advance(count, keys);
  }

  int numPromptTokens() {
    return request.promptIds().length;
  }

  int numGeneratedTokens() {
    return numTokens - numPromptTokens();
  }

  boolean isDecoding() {
    return numTokens > numPromptTokens();
  }

  Phase phase() {
    if (lease == null) {
      return Phase.QUEUED;
    }
    return isDecoding() ? Phase.DECODE : Phase.PREFILL;
  }

  /// Log-probabilities of the prompt's tokens, when asked for.
  float @Nullable [] promptLogprobs() {
    return promptLogprobs;
  }

  /// Takes a sampled token as the next one.
  void append(SampledToken token, long nowNanos) {
    if (!isDecoding()) {
      firstTokenNanos = nowNanos;
    }
    ids[numTokens] = token.id();
    numTokens++;
    lastTokenNanos = nowNanos;
  }

  /// Why the sequence is complete with its last token, or null when it goes on.
  @Nullable FinishReason finishReason(SequenceListener.Verdict verdict) {
    int id = ids[numTokens - 1];
    if (contains(request.eosIds(), id)) {
      return FinishReason.EOS_TOKEN;
    }
    if (contains(request.stopTokenIds(), id) || verdict == SequenceListener.Verdict.STOP) {
      return FinishReason.STOP_SEQUENCE;
    }
    return numTokens == request.maxTokens() ? FinishReason.LENGTH : null;
  }

  private static boolean contains(int[] ids, int id) {
    for (int each : ids) {
      if (each == id) {
        return true;
      }
    }
    return false;
  }

  boolean hasEnded() {
    return ended;
  }

  /// Ends it: the one place where a lease is closed.
  void end(Outcome outcome) {
    ended = true;
    if (lease != null) {
      lease.close(outcome.resetCause());
    }
  }

  long submittedNanos() {
    return submittedNanos;
  }

  long admittedNanos() {
    return admittedNanos;
  }

  long lastTokenNanos() {
    return lastTokenNanos;
  }

  SequenceTimes times(long endedNanos) {
    return new SequenceTimes(submittedNanos, admittedNanos, firstTokenNanos, endedNanos);
  }
}
