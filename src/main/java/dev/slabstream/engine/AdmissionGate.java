package dev.slabstream.engine;

import java.util.function.LongSupplier;

/// The bound of what waits for admission, by requests and by prompt tokens; full means refused at once. It holds no requests: a
/// request takes a [Place] where it enters the service, before it is tokenized, and waits wherever it does, for a tokenizer and
/// then in the engine's queue. So both are one queue, and no burst gets past the bound.
///
/// Whoever has the request gives the place back when it stops waiting: the engine at its admission, by [Place#admit()], or at its
/// end in the queue, by [Place#leave()]; and before the engine has it, whoever took the place.
///
/// A request that would wait alone is never refused: the bounds are for the crowd.
///
/// Thread-safe; nothing blocks in here.
public final class AdmissionGate {
  /// A client is told to come back within this time at the latest, in seconds: later the estimate is worth nothing.
  static final int MAX_RETRY_AFTER_SECONDS = 60;

  private final int maxRequests;
  private final int maxTokens;
  private final LongSupplier nanoClock;

  // All guarded by this.
  private final DrainRate drain = new DrainRate();
  private int requests;
  private long tokens;
  private long refused;
  private long lastNanos;

  /// @param maxRequests requests that may wait
  /// @param maxTokens tokens that the prompts of waiting requests may have together
  /// @param nanoClock monotonic, in nanoseconds
  public AdmissionGate(int maxRequests, int maxTokens, LongSupplier nanoClock) {
    this.maxRequests = maxRequests;
    this.maxTokens = maxTokens;
    this.nanoClock = nanoClock;
  }

  /// Takes a place for a request.
  ///
  /// @param promptTokens how many tokens its prompt has, as far as known; see [Place#settle(int)]
  /// @throws OverloadedException when it is full
  public synchronized Place enter(int promptTokens) {
    passTime(requests);
    if (requests >= maxRequests) {
      refused++;
      throw OverloadedException.byRequests(
          maxRequests, requests + 1, atLeastOne(drain.secondsForRequests(requests)));
    }
    requireRoom(promptTokens);
    // Before it is counted: nobody would give back a place that there was no memory for.
    Place place = new Place(promptTokens);
    requests++;
    tokens += promptTokens;
    return place;
  }

  /// Refuses when the prompts of those that wait already, and further ones of `promptTokens`, are too much.
  private void requireRoom(int promptTokens) {
    if (requests > 0 && tokens + promptTokens > maxTokens) {
      refused++;
      throw OverloadedException.byTokens(
          maxTokens, tokens + promptTokens, atLeastOne(drain.secondsForTokens(tokens, requests)));
    }
  }

  /// In how many seconds those that wait now will have been admitted at the rate measured lately: 1 to [#MAX_RETRY_AFTER_SECONDS].
  public synchronized int retryAfterSeconds() {
    passTime(requests);
    return atLeastOne(drain.secondsForRequests(requests));
  }

  private static int atLeastOne(double seconds) {
    return (int) Math.clamp(Math.ceil(seconds), 1, MAX_RETRY_AFTER_SECONDS);
  }

  public synchronized QueueStats stats() {
    return new QueueStats(requests, tokens);
  }

  /// How many it has refused.
  synchronized long numRefused() {
    return refused;
  }

  /// @param waited how many have since the last time
  private void passTime(int waited) {
    long now = nanoClock.getAsLong();
    if (waited > 0) {
      drain.waited(now - lastNanos);
    }
    lastNanos = now;
  }

  /// A request's place, from its entry until it waits no longer.
  public final class Place {
    private int promptTokens;
    private boolean left;

    private Place(int promptTokens) {
      this.promptTokens = promptTokens;
    }

    /// Replaces the estimate of the prompt's length by the length; [Engine#submit] does it.
    ///
    /// @throws OverloadedException when that is more than there is room for beside the others; the place is still to be left
    public void settle(int exactPromptTokens) {
      synchronized (AdmissionGate.this) {
        if (left) {
          throw new IllegalStateException("the place was given back before");
        }
        int more = exactPromptTokens - promptTokens;
        if (more > 0 && requests > 1) {
          requireRoom(more);
        }
        tokens += more;
        promptTokens = exactPromptTokens;
      }
    }

    /// Gives the place back because its request is admitted, which shows how fast the queue drains; harmless when it was given
    /// back before.
    public void admit() {
      giveBack(true);
    }

    /// Gives the place back because its request gives up or ends; harmless when it was given back before.
    public void leave() {
      giveBack(false);
    }

    private void giveBack(boolean admitted) {
      synchronized (AdmissionGate.this) {
        if (left) {
          return;
        }
        left = true;
        int waited = requests;
        requests--;
        tokens -= promptTokens;
        passTime(waited);
        if (admitted) {
          drain.admitted(promptTokens);
        }
      }
    }
  }
}
