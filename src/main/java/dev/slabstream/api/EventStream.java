package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SynchronousSink;
import reactor.core.scheduler.Scheduler;

/// Writes one generation as server-sent events (WHATWG HTML, section 9.2): `data: {json}` and an
/// empty line for each token, a comment when nothing was ready for a while. The space after the
/// colon is optional in the standard, and many clients look for it. One object per request; events
/// come one after the other.
final class EventStream {
  private static final Logger log = LoggerFactory.getLogger(EventStream.class);
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);

  /// What is fetched ahead of a client's reading: the sequence is to learn at once that it does not.
  private static final int PREFETCH = 1;

  /// For when there is no memory to make another one.
  private static final byte[] OUT_OF_MEMORY =
      frame(WireJson.bytes(ErrorBody.of(ErrorType.INTERNAL, "an internal error")));

  private static final byte[] KEEP_ALIVE = ":\n\n".getBytes(StandardCharsets.US_ASCII);

  private final boolean details;
  private @Nullable Token pending;
  private boolean ended;
  private int silentTicks;

  private EventStream(boolean details) {
    this.details = details;
  }

  /// The frames of an admitted generation, made as they are asked for. An error is a frame too; only
  /// that of a client that does not read, SLOW_CLIENT, ends them without one.
  ///
  /// @param events begins with [Started]
  /// @param details whether the last event tells how the generation ended
  static Flux<byte[]> of(
      Flux<GenerationEvent> events, boolean details, Duration keepAlive, Scheduler scheduler) {
    return Flux.defer(
        () -> {
          EventStream stream = new EventStream(details);
          Flux<byte[]> frames =
              events
                  .<byte[]>handle((event, sink) -> Contained.run(() -> stream.write(event, sink)))
                  .concatWith(Flux.defer(stream::end))
                  .onErrorResume(stream::failed);
          return stream.withKeepAlive(frames, keepAlive, scheduler);
        });
  }

  private void write(GenerationEvent event, SynchronousSink<byte[]> sink) {
    switch (event) {
      case Started _ -> {}
      case Token token -> {
        if (token.last()) {
          pending = token;
        } else {
          sink.next(tokenFrame(token, null));
        }
      }
      case Finished end -> {
        Token last = pending;
        if (last == null) {
          sink.error(new IllegalStateException("a generation finished without a last token"));
        } else {
          pending = null;
          ended = true;
          sink.next(tokenFrame(last, end));
        }
      }
    }
  }

  /// A stream that ends without its last event is an error: a client could not tell it from a whole
  /// one.
  private Publisher<byte[]> end() {
    return ended
        ? Flux.empty()
        : Flux.error(
            new GenerationException(
                ErrorType.GENERATION, "the generation ended before it was finished"));
  }

  private Publisher<byte[]> failed(Throwable failure) {
    ended = true;
    if (failure instanceof GenerationException e && e.type() == ErrorType.SLOW_CLIENT) {
      return Flux.error(failure);
    }
    try {
      byte[] error = frame(WireJson.bytes(errorBody(failure)));
      Token unsent = pending;
      return unsent == null ? Flux.just(error) : Flux.just(tokenFrame(unsent, null), error);
    } catch (Error e) {
      return Flux.just(OUT_OF_MEMORY);
    }
  }

  private static ErrorBody errorBody(Throwable failure) {
    if (failure instanceof GenerationException e) {
      return ErrorBody.of(e);
    }
    log.error("A stream failed", failure);
    return ErrorBody.of(ErrorType.GENERATION, "the generation failed");
  }

  private byte[] tokenFrame(Token token, @Nullable Finished end) {
    return frame(
        WireJson.bytes(
            new Replies.StreamResponse(
                token.index(),
                Replies.Token.of(token.token()),
                Replies.Token.of(token.topTokens()),
                end == null ? null : WellFormed.text(end.generatedText()),
                end == null || !details ? null : Replies.StreamDetails.of(end))));
  }

  private static byte[] frame(byte[] json) {
    byte[] frame = new byte[DATA.length + json.length + END.length];
    System.arraycopy(DATA, 0, frame, 0, DATA.length);
    System.arraycopy(json, 0, frame, DATA.length, json.length);
    System.arraycopy(END, 0, frame, DATA.length + json.length, END.length);
    return frame;
  }

  /// Merges comments into the frames, so that the stream is never silent for longer than `quiet`.
  /// Two ticks of half that time in a row without a frame make one comment: cheaper than a timer
  /// that every token would start anew. Ticks that nobody asks for are dropped, so that no comments
  /// pile up for a client that does not read.
  private Flux<byte[]> withKeepAlive(Flux<byte[]> frames, Duration quiet, Scheduler scheduler) {
    return frames.publish(
        shared -> {
          Flux<byte[]> ticks =
              Flux.interval(quiet.dividedBy(2), scheduler)
                  .onBackpressureDrop()
                  .map(_ -> KEEP_ALIVE)
                  .takeUntilOther(shared.ignoreElements());
          return Flux.merge(PREFETCH, shared, ticks).filter(this::isDue);
        },
        PREFETCH);
  }

  private boolean isDue(byte[] frame) {
    if (frame != KEEP_ALIVE) {
      silentTicks = 0;
      return true;
    }
    silentTicks++;
    if (ended || silentTicks < 2) {
      return false;
    }
    silentTicks = 0;
    return true;
  }
}
