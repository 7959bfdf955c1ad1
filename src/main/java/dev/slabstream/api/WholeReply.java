package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationEvent.Finished;
import dev.slabstream.generation.GenerationEvent.Started;
import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/// Gathers one generation into a reply that is not streamed. One object per request; events come
/// one after the other.
final class WholeReply {
  private final boolean details;
  private final LongSupplier nanoClock;
  private final long begunNanos;
  private final List<Replies.Token> tokens = new ArrayList<>();
  private final List<List<Replies.Token>> topTokens = new ArrayList<>();
  private long startedNanos;
  private @Nullable Finished end;

  WholeReply(boolean details, LongSupplier nanoClock) {
    this.details = details;
    this.nanoClock = nanoClock;
    this.begunNanos = nanoClock.getAsLong();
  }

  void add(GenerationEvent event) {
    switch (event) {
      case Started _ -> startedNanos = nanoClock.getAsLong();
      case Token token -> {
        if (details) {
          tokens.add(Replies.Token.of(token.token()));
          if (!token.topTokens().isEmpty()) {
            topTokens.add(Replies.Token.of(token.topTokens()));
          }
        }
      }
      case Finished finished -> end = finished;
    }
  }

  /// @throws GenerationException when the generation ended before it was finished
  Replies.GenerateResponse body() {
    Finished finished = finished();
    return new Replies.GenerateResponse(
        WellFormed.text(finished.generatedText()),
        details ? Replies.Details.of(finished, tokens, topTokens) : null);
  }

  /// TGI's headers about one request: times in milliseconds, `x-compute-time` in seconds.
  void writeHeaders(HttpHeaders headers, String inputs) {
    Finished finished = finished();
    long now = nanoClock.getAsLong();
    long inferenceNanos = now - startedNanos;
    headers.set("x-compute-type", "cpu");
    headers.set("x-compute-time", Double.toString((now - begunNanos) / 1e6 / 1e3));
    headers.set(
        "x-compute-characters", Integer.toString(inputs.codePointCount(0, inputs.length())));
    headers.set("x-total-time", millis(now - begunNanos));
    headers.set("x-queue-time", millis(startedNanos - begunNanos));
    headers.set("x-inference-time", millis(inferenceNanos));
    headers.set(
        "x-time-per-token", millis(inferenceNanos / Math.max(1, finished.generatedTokens())));
    headers.set("x-prompt-tokens", Integer.toString(finished.inputLength()));
    headers.set("x-generated-tokens", Integer.toString(finished.generatedTokens()));
  }

  private Finished finished() {
    if (end == null) {
      throw new GenerationException(
          ErrorType.GENERATION, "the generation ended before it was finished");
    }
    return end;
  }

  private static String millis(long nanos) {
    return Long.toString(nanos / 1_000_000);
  }
}
