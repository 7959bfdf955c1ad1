package dev.slabstream.generation;

import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.Deadlines;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.NonFiniteLogitsException;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceListener;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.engine.SequenceTimes;
import dev.slabstream.engine.TimeLimitException;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.PrefillToken;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationOutcome.By;
import dev.slabstream.generation.GenerationOutcome.Stage;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SampledToken;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/// One request on its way: from the subscription through the tokenizer's thread and the engine to
/// its one end.
///
/// 1. [#run()] on a tokenizer thread makes the ids and submits. Until then it can be ended by whoever
///    is the first to [#claim()] it: that thread, who cancels it, or the timer of its time in the
///    queue, however long the tokenizer takes. Until it is submitted, its place in the queue is given
///    back here, by [#end]; from there on by the engine.
/// 2. The engine's thread reports; tokens become events here and go into a queue that never
///    blocks. [ReaderPace] pauses the sequence while too many of them wait for the client.
/// 3. One end, whichever way: [#end] tells the owner, which frees the session, then the client.
///    Whatever throws on the way there, an [Error] too, becomes that end.
///
/// Events are written by one thread at a time: that of the claim until the submission, the engine's
/// from there on. [#cancel(Cancellation)] may come from any thread at any moment;
/// once it is claimed they only ask, and whoever has the request at that moment ends it. A client that does not read is
/// told nothing more: its [EventSink] is abandoned, past what still waits for it.
final class Generation implements Runnable, SequenceListener {
  private static final Logger log = LoggerFactory.getLogger(Generation.class);

  /// Whoever started it.
  interface Owner {
    /// Takes it out of the tokenizer's queue, if it is still there.
    void withdraw(Generation generation);

    /// It ended: called once, before its client is told.
    void ended(Generation generation);

    /// How it ended: called once, after [#ended].
    void report(GenerationObserver.Report report);

    /// Its client's queue has all there is: called once, the last thing that the request does.
    void left(Generation generation);

    SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place);

    /// When somebody who was not admitted may try again.
    int retryAfterSeconds();

    /// Whose cached blocks it may begin with; null = nobody's.
    @Nullable CacheScope cacheScope();
  }

  private final String inputs;
  private final ValidParameters parameters;
  private final GenerationContext context;
  private final Owner owner;
  private final long cameNanos;
  private final Deadlines deadlines;
  private final EventSink sink = new EventSink(() -> cancel(Cancellation.CLIENT_GONE));
  private final ReaderPace pace;
  private final AtomicBoolean ended = new AtomicBoolean();

  private volatile @Nullable Cancellation cancellation;
  private volatile @Nullable SequenceHandle handle;
  private volatile int generatedTokens;
  private volatile int cachedTokens;

  // Guarded by this.
  private boolean claimed;
  private @Nullable Disposable waitLimit;

  private AdmissionGate.@Nullable Place place;
  private @Nullable ValidRequest request;
  private @Nullable TextStream text;
  private float[] promptLogprobs = new float[0];
  private long lastTokenNanos;

  Generation(String inputs, ValidParameters parameters, GenerationContext context, Owner owner) {
    this.inputs = inputs;
    this.parameters = parameters;
    this.context = context;
    this.owner = owner;
    this.cameNanos = context.nanoClock().getAsLong();
    this.deadlines =
        Deadlines.after(
            cameNanos, context.settings().maxQueueTime(), context.settings().requestTimeout());
    this.lastTokenNanos = cameNanos;
    this.pace =
        new ReaderPace(
            context.settings().streamBuffer(),
            context.settings().slowClientTimeout(),
            context.timers(),
            context.nanoClock(),
            this::cancelSlowClient);
  }

  /// Gives it its place in the queue, which it leaves at once if it has ended meanwhile; once,
  /// before it [#run()]s.
  void waitAt(AdmissionGate.Place place) {
    synchronized (this) {
      if (!claimed) {
        this.place = place;
        return;
      }
    }
    place.leave();
  }

  /// Ends it when its time is over before it could be submitted: the engine looks at its time from
  /// there on. Once, before it [#run()]s.
  void limitWait() {
    long now = context.nanoClock().getAsLong();
    long nanos = Math.min(deadlines.admitBy() - now, deadlines.endBy() - now);
    synchronized (this) {
      if (!claimed) {
        waitLimit = context.timers().schedule(this::waitedTooLong, nanos, TimeUnit.NANOSECONDS);
      }
    }
  }

  /// It will not run, and whoever made it tells its client: gives its place in the queue back.
  ///
  /// @return false when it has ended meanwhile: its client is told of that, and nothing is left to
  ///     give back
  boolean forgo() {
    if (!claim()) {
      return false;
    }
    if (place != null) {
      place.leave();
    }
    return true;
  }

  private void waitedTooLong() {
    if (claim()) {
      Ending ending = Ending.OUT_OF_MEMORY;
      try {
        owner.withdraw(this);
        ending = Ending.failed(timeOver(firstLimit()));
      } finally {
        end(ending, null);
      }
    }
  }

  private TimeLimitException.Limit firstLimit() {
    return deadlines.endBy() - deadlines.admitBy() < 0
        ? TimeLimitException.Limit.REQUEST_TIME
        : TimeLimitException.Limit.QUEUE_TIME;
  }

  /// Whether the caller is the one who decides what becomes of it, before the engine has it.
  private boolean claim() {
    Disposable timer;
    synchronized (this) {
      if (claimed) {
        return false;
      }
      claimed = true;
      timer = waitLimit;
    }
    if (timer != null) {
      timer.dispose();
    }
    return true;
  }

  private synchronized boolean isClaimed() {
    return claimed;
  }

  /// What the client gets; one subscriber.
  Flux<EventSink.TimedEvent> events() {
    return sink.events();
  }

  /// Fails when the stream is to end at once, whatever still waits for the client.
  Mono<Void> abandonment() {
    return sink.abandonment();
  }

  /// The subscriber asks for `n` more events.
  void requested(long n) {
    if (n == Long.MAX_VALUE) {
      pace.unbounded();
    }
  }

  /// The subscriber has taken an event.
  void taken() {
    pace.taken();
  }

  /// The subscriber has all there is, or wants no more.
  void clientLeft() {
    pace.stop();
  }

  /// The stream did not come to its subscriber, or not whole: it ends, and so does the request. Throws nothing.
  void abandon() {
    cancel(Cancellation.CLIENT_GONE);
    sink.abandon(Ending.NO_MEMORY);
  }

  /// Tokens sampled so far.
  int generatedTokens() {
    return generatedTokens;
  }

  /// Tokens of the prompt that were not computed, because earlier requests had.
  int cachedTokens() {
    return cachedTokens;
  }

  private void cancelSlowClient() {
    cancel(Cancellation.SLOW_CLIENT);
    GenerationException told = Ending.NO_MEMORY;
    try {
      told = Cancellation.SLOW_CLIENT.told();
    } finally {
      sink.abandon(told);
    }
  }

  /// Asks for its end; who is the first to ask says why. Throws nothing: who cancels has others to
  /// care for.
  void cancel(Cancellation why) {
    synchronized (this) {
      if (cancellation != null) {
        return;
      }
      cancellation = why;
    }
    try {
      SequenceHandle submitted = handle;
      if (submitted != null) {
        submitted.cancel();
      } else if (claim()) {
        endCancelled(Stage.TOKENIZING, null);
        owner.withdraw(this);
      }
    } catch (Throwable e) {
      Guarded.log(log, Level.ERROR, "A request could not be cancelled as it should be", e);
    }
  }

  @Override
  public void run() {
    boolean mine = false;
    try {
      if (Deadlines.isPast(deadlines.admitBy(), context.nanoClock().getAsLong())) {
        waitedTooLong();
      }
      if (isClaimed()) {
        return;
      }
      ValidRequest encoded = context.encoder().encode(inputs, parameters);
      TextStream stream =
          new TextStream(context.tokenizer(), context.texts(), parameters.stop(), this::emit);
      mine = claim();
      if (mine) {
        request = encoded;
        text = stream;
        submitUnlessCancelled();
      }
    } catch (Throwable e) { // an Error too must end this request, or its client waits for ever
      if (mine || claim()) {
        endFailed("the request could not be prepared", e, null);
      }
    }
  }

  private void submitUnlessCancelled() {
    if (cancellation != null) {
      endCancelled(Stage.TOKENIZING, null);
    } else {
      submit();
    }
  }

  private void submit() {
    ValidRequest valid = request();
    SequenceHandle submitted;
    try {
      submitted =
          owner.submit(
              new SequenceRequest(
                  valid.promptIds(),
                  valid.maxNewTokens(),
                  parameters.sampling(),
                  parameters.ignoreEos() ? new int[0] : context.model().eosIds(),
                  parameters.stopTokenIds(),
                  parameters.decoderInputDetails(),
                  owner.cacheScope(),
                  deadlines,
                  this),
              Objects.requireNonNull(place, "without a place"));
    } catch (OverloadedException e) {
      throw GenerationException.overloaded(e);
    } catch (IllegalStateException e) {
      throw draining();
    }
    handle = submitted;
    pace.submitted(submitted);
    if (cancellation != null) {
      // It was asked for before the handle could be seen.
      submitted.cancel();
    }
  }

  static GenerationException draining() {
    return new GenerationException(ErrorType.DRAINING, "the server is shutting down");
  }

  @Override
  public void onAdmitted() {
    emit(new Started(request().promptIds().length, seed()), 0);
  }

  @Override
  public void onPromptLogprobs(float[] logprobs) {
    promptLogprobs = logprobs;
  }

  @Override
  public void onCachedTokens(int numTokens) {
    cachedTokens = numTokens;
  }

  @Override
  public Verdict onToken(int index, SampledToken token) {
    long now = context.nanoClock().getAsLong();
    long nanos = pace.withoutPause(lastTokenNanos, now);
    lastTokenNanos = now;
    generatedTokens = index + 1;
    boolean endsText =
        contains(parameters.stopTokenIds(), token.id())
            || (!parameters.ignoreEos() && context.model().isEos(token.id()));
    boolean last = endsText || index + 1 == request().maxNewTokens();
    boolean stopped = text().next(token, nanos, endsText, last);
    return stopped ? Verdict.STOP : Verdict.CONTINUE;
  }

  @Override
  public void onFinished(FinishReason reason, SequenceTimes times) {
    Ending ending;
    try {
      FinishReason told = text().finish() ? FinishReason.STOP_SEQUENCE : reason;
      ValidRequest valid = request();
      ending =
          Ending.completed(
              new Finished(
                  valid.prefix() + text().text(),
                  told,
                  generatedTokens,
                  valid.promptIds().length,
                  cachedTokens,
                  seed(),
                  prefill()));
    } catch (Throwable e) {
      onFailed(e, times);
      return;
    }
    end(ending, times);
  }

  @Override
  public void onFailed(Throwable cause, SequenceTimes times) {
    endFailed("the generation failed", cause, times);
  }

  /// @param told what the client hears of a failure of the server's own; the log has the cause
  private void endFailed(String told, Throwable cause, @Nullable SequenceTimes times) {
    Ending ending = Ending.OUT_OF_MEMORY;
    try {
      ending = failure(told, cause);
    } finally {
      end(ending, times);
    }
  }

  private Ending failure(String told, Throwable cause) {
    return switch (cause) {
      case GenerationException refusal -> Ending.refused(refusal);
      case TimeLimitException over -> Ending.failed(timeOver(over.limit()));
      case NonFiniteLogitsException _ ->
          Ending.failed(
              new GenerationException(
                  ErrorType.NON_FINITE_LOGITS,
                  "the model computed NaN or infinity after %d tokens".formatted(generatedTokens)));
      default -> {
        log.error("After {} tokens {}", generatedTokens, told, cause);
        yield Ending.failed(new GenerationException(ErrorType.GENERATION, told));
      }
    };
  }

  private GenerationException timeOver(TimeLimitException.Limit limit) {
    return switch (limit) {
      case QUEUE_TIME ->
          new GenerationException(
              ErrorType.QUEUE_TIMEOUT,
              "not admitted within %s s: others are before it"
                  .formatted(seconds(context.settings().maxQueueTime())),
              null,
              seconds(context.settings().maxQueueTime()),
              null,
              owner.retryAfterSeconds());
      case REQUEST_TIME ->
          new GenerationException(
              ErrorType.TIMEOUT,
              "not done within %s s, after %d tokens"
                  .formatted(seconds(context.settings().requestTimeout()), generatedTokens),
              null,
              seconds(context.settings().requestTimeout()),
              null);
    };
  }

  /// Without an exponent or superfluous zeros.
  private static BigDecimal seconds(Duration duration) {
    BigDecimal seconds = BigDecimal.valueOf(duration.toMillis(), 3).stripTrailingZeros();
    return seconds.scale() < 0 ? seconds.setScale(0) : seconds;
  }

  @Override
  public void onCancelled(Phase phase, SequenceTimes times) {
    endCancelled(
        switch (phase) {
          case QUEUED -> Stage.QUEUED;
          case PREFILL -> Stage.PREFILL;
          case DECODE -> Stage.DECODE;
        },
        times);
  }

  private void endCancelled(Stage stage, @Nullable SequenceTimes times) {
    Ending ending = Ending.OUT_OF_MEMORY;
    try {
      Cancellation asked = cancellation;
      // Without being asked, the engine does that to everything it still has when it closes.
      ending = Ending.cancelled(asked == null ? Cancellation.SHUTDOWN : asked, stage);
    } finally {
      end(ending, times);
    }
  }

  /// Once, whoever calls it. Throws nothing, and nothing that goes wrong on the way keeps the rest
  /// from being done: what it held is free, it is counted, its client is told. What has to be done
  /// even when memory has run out needs none.
  private void end(Ending ending, @Nullable SequenceTimes times) {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    try {
      settle(ending, times);
    } catch (Throwable e) {
      Guarded.log(log, Level.ERROR, "A request did not end as it should", e);
    } finally {
      owner.left(this);
    }
  }

  private void settle(Ending ending, @Nullable SequenceTimes times) {
    try {
      giveBack();
    } finally {
      try {
        report(ending.outcome(), times);
      } finally {
        tell(ending);
      }
    }
  }

  private void giveBack() {
    try {
      AdmissionGate.Place taken = place;
      if (taken != null) {
        taken.leave();
      }
    } finally {
      try {
        pace.end();
      } finally {
        owner.ended(this);
      }
    }
  }

  private void report(GenerationOutcome outcome, @Nullable SequenceTimes times) {
    ValidRequest valid = request;
    owner.report(
        new GenerationObserver.Report(
            outcome,
            valid == null ? 0 : valid.promptIds().length,
            generatedTokens,
            context.nanoClock().getAsLong() - cameNanos,
            times));
  }

  private void tell(Ending ending) {
    Finished last = ending.last();
    if (last != null) {
      // Its client is told also when there is no memory for a look at how it reads.
      sink.complete(last);
      pace.handedOut();
    } else {
      Cancellation asked = cancellation;
      sink.fail(
          Objects.requireNonNullElse(ending.failure(), Ending.NO_MEMORY),
          asked == null || asked.by() == By.SERVER);
    }
  }

  private void emit(GenerationEvent event, long nanos) {
    pace.handedOut();
    sink.emit(event, nanos);
  }

  private List<PrefillToken> prefill() {
    ValidRequest valid = request();
    if (valid.promptTexts().isEmpty()) {
      return List.of();
    }
    int[] ids = valid.promptIds();
    List<PrefillToken> tokens = new ArrayList<>(ids.length);
    for (int i = 0; i < ids.length; i++) {
      Float logprob = i == 0 || i >= promptLogprobs.length ? null : promptLogprobs[i];
      tokens.add(new PrefillToken(ids[i], valid.promptTexts().get(i), logprob));
    }
    return tokens;
  }

  private @Nullable Long seed() {
    OptionalLong seed = parameters.seed();
    return seed.isPresent() ? seed.getAsLong() : null;
  }

  private ValidRequest request() {
    return Objects.requireNonNull(request, "before the prompt was encoded");
  }

  private TextStream text() {
    return Objects.requireNonNull(text, "before the prompt was encoded");
  }

  private static boolean contains(int[] ids, int id) {
    for (int each : ids) {
      if (each == id) {
        return true;
      }
    }
    return false;
  }
}
