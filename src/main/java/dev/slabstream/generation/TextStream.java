package dev.slabstream.generation;

import dev.slabstream.generation.GenerationEvent.Token;
import dev.slabstream.generation.GenerationEvent.TokenInfo;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.tokenizer.StreamDecoder;
import dev.slabstream.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Turns the sampled tokens of one sequence into events with text. Used by the engine's thread
/// only; lives as long as the sequence.
///
/// - One event per token, in order.
/// - The **text** is what the tokens that are not special say. The texts of their events, put
///   together, are the generated text: nothing that was sent is taken back.
/// - A **special** token's event carries the token's own string, which is no part of the text.
/// - An event waits while its text may begin a stop string, or while bytes of its character are
///   missing; those after it wait behind it.
/// - A stop string ends the text before its first character. The events that waited for it go out
///   with what lies before it, which may be nothing. A special token that contains a stop string
///   ends the text too, and its event is cut in the same way.
/// - At the end bytes that never became a character are U+FFFD, in the last event that waited for
///   them.
final class TextStream {
  /// @param end where the token's text ends in `text`; for a special token, where it stands
  private record Waiting(
      SampledToken token, long nanos, boolean special, String specialText, int end) {}

  /// Takes an event and the nanoseconds that came with its token.
  interface Sink {
    void accept(Token event, long nanos);
  }

  private final Tokenizer tokenizer;
  private final TokenTexts texts;
  private final StreamDecoder decoder;
  private final List<String> stopStrings;
  private final StopMatcher stops;
  private final Sink sink;

  private final StringBuilder text = new StringBuilder();
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private @Nullable Waiting lastOfText;
  private int sentTokens;
  private int sentText;
  private boolean textCut;

  TextStream(Tokenizer tokenizer, TokenTexts texts, List<String> stop, Sink sink) {
    this.tokenizer = tokenizer;
    this.texts = texts;
    this.decoder = tokenizer.streamDecoder(true);
    this.stopStrings = stop;
    this.stops = new StopMatcher(stop);
    this.sink = sink;
  }

  /// Takes the next token.
  ///
  /// @param nanos goes out with its event
  /// @param endsText whether this token ends the text by its id: then its own string is no stop
  ///     string
  /// @param last whether the sequence ends with it in any case; the last event waits for
  ///     [#finish()]
  /// @return whether a stop string ends the text here
  boolean next(SampledToken token, long nanos, boolean endsText, boolean last) {
    boolean stopped;
    if (tokenizer.isSpecial(token.id())) {
      // The decoder skips special tokens, so it need not see this one.
      String own = texts.of(token.id());
      int stop = endsText ? -1 : firstStopIn(own);
      stopped = stop >= 0;
      waiting.add(
          new Waiting(token, nanos, true, stopped ? own.substring(0, stop) : own, text.length()));
    } else {
      append(decoder.next(token.id()));
      stopped = textCut;
      lastOfText = new Waiting(token, nanos, false, "", text.length());
      waiting.add(lastOfText);
    }
    if (!last && !stopped) {
      sendCertain();
    }
    return stopped;
  }

  /// Sends whatever waits, the last of it marked as last.
  ///
  /// @return whether a stop string ended the text
  boolean finish() {
    if (!textCut) {
      append(decoder.finish());
    }
    while (!waiting.isEmpty()) {
      Waiting next = waiting.remove();
      send(next, next == lastOfText ? text.length() : next.end(), waiting.isEmpty());
    }
    return textCut;
  }

  /// The generated text, after [#finish()].
  String text() {
    return text.toString();
  }

  private void append(String piece) {
    for (int i = 0; i < piece.length() && !textCut; i++) {
      char c = piece.charAt(i);
      text.append(c);
      int stop = stops.next(c);
      if (stop > 0) {
        text.setLength(text.length() - stop);
        textCut = true;
      }
    }
  }

  private int firstStopIn(String own) {
    int first = -1;
    for (String stop : stopStrings) {
      int at = own.indexOf(stop);
      first = at < 0 ? first : first < 0 ? at : Math.min(first, at);
    }
    return first;
  }

  private void sendCertain() {
    int certain = text.length() - stops.heldBack();
    Waiting incomplete = decoder.holdsBack() ? lastOfText : null;
    for (Waiting next = waiting.peek();
        next != null && next != incomplete && next.end() <= certain;
        next = waiting.peek()) {
      waiting.remove();
      send(next, next.end(), false);
    }
  }

  private void send(Waiting next, int end, boolean last) {
    int until = Math.min(end, text.length());
    String shown = next.special() ? next.specialText() : text.substring(sentText, until);
    sentText = until;
    sentTokens++;
    SampledToken token = next.token();
    TokenInfo info = new TokenInfo(token.id(), shown, token.logprob(), next.special());
    sink.accept(new Token(sentTokens, info, alternatives(token), last), next.nanos());
  }

  private List<TokenInfo> alternatives(SampledToken token) {
    if (token.top().isEmpty()) {
      return List.of();
    }
    return token.top().stream()
        .map(
            top ->
                new TokenInfo(
                    top.id(), texts.of(top.id()), top.logprob(), tokenizer.isSpecial(top.id())))
        .toList();
  }
}
