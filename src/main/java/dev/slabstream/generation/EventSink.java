package dev.slabstream.generation;

import dev.slabstream.generation.GenerationEvent.Finished;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/// What the client of one request is told: events in a queue that never blocks and is not bounded here
/// (see [ReaderPace]), and one end.
///
/// Events and the end are given by one thread at a time, [#abandon] by any. What a method throws is a
/// defect of whoever is told, or memory that ran out: a stream with a hole in it is worth nothing, so
/// that request is to end.
final class EventSink {
  /// An event and how long it took: since the token before or the end of a pause, or for the first
  /// since the request came.
  record TimedEvent(GenerationEvent event, long nanos) {}

  static {
    rehearseAbandonment();
  }

  private final Sinks.Many<TimedEvent> queue = Sinks.many().unicast().onBackpressureBuffer();
  private final Sinks.Empty<Void> abandonment = Sinks.empty();
  private final Runnable clientGone;

  /// The queue threw at an event: whoever it threw in the middle of may never pass on another one,
  /// nor the end.
  private boolean broken;

  /// @param clientGone is told when the subscriber has cancelled, whenever that shows
  EventSink(Runnable clientGone) {
    this.clientGone = clientGone;
  }

  /// Loads what ends a stream past its queue: when that is wanted, there may be no memory to load it.
  private static void rehearseAbandonment() {
    Sinks.Empty<Void> abandonment = Sinks.empty();
    Disposable unused =
        Flux.never().takeUntilOther(abandonment.asMono()).subscribe(_ -> {}, _ -> {});
    abandonment.tryEmitError(Ending.NO_MEMORY);
  }

  /// What the client gets; one subscriber.
  Flux<TimedEvent> events() {
    return queue.asFlux();
  }

  /// Fails when the stream is to end past its queue. Its events are of no use then: they wait for the
  /// client, and so would an error behind them.
  Mono<Void> abandonment() {
    return abandonment.asMono();
  }

  void emit(GenerationEvent event, long nanos) {
    TimedEvent timed = new TimedEvent(event, nanos);
    try {
      require(queue.tryEmitNext(timed));
    } catch (Throwable e) {
      broken = true;
      throw e;
    }
  }

  /// The end of a stream that has all it should.
  void complete(Finished last) {
    try {
      emit(last, 0);
      require(queue.tryEmitComplete());
    } catch (Throwable e) {
      abandon(Ending.NO_MEMORY);
      throw e;
    }
  }

  /// The end of a stream that failed.
  ///
  /// @param isHeard false when nobody listens any more: Reactor would log the error as a lost one
  void fail(GenerationException failure, boolean isHeard) {
    if (broken) {
      abandon(failure);
      return;
    }
    try {
      require(isHeard ? queue.tryEmitError(failure) : queue.tryEmitComplete());
    } catch (Throwable e) {
      abandon(Ending.NO_MEMORY);
      throw e;
    }
  }

  /// Ends the stream past its queue, once; throws nothing.
  void abandon(GenerationException told) {
    abandonment.tryEmitError(told);
  }

  /// A queue that its subscriber has cancelled means that the client has gone, however it did. Any
  /// other refusal is a defect.
  private void require(Sinks.EmitResult result) {
    if (result == Sinks.EmitResult.FAIL_CANCELLED) {
      clientGone.run();
    } else {
      result.orThrow();
    }
  }
}
