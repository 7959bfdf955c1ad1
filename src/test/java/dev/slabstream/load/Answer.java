package dev.slabstream.load;

import java.util.ArrayList;
import java.util.List;

/// What came of a streamed request, and when. Times are those of [System#nanoTime()].
///
/// @param tokenNanos when each token came
/// @param inputLength tokens of the prompt, as the server counts them; 0 before the end
/// @param error the `error_type`, or what the connection said; empty = it went well
/// @param retryAfterSeconds when to come back, as a refusal says; 0 = it says nothing
record Answer(
    long sentNanos, long[] tokenNanos, int inputLength, String error, long retryAfterSeconds) {

  boolean isGood() {
    return error.isEmpty();
  }

  /// From sending to the first token.
  long firstTokenNanos() {
    return tokenNanos[0] - sentNanos;
  }

  /// From sending to the first token, of those that have one and did not fail.
  static Millis firstTokens(List<Answer> answers) {
    return Millis.ofNanos(
        answers.stream()
            .filter(answer -> answer.isGood() && answer.tokenNanos.length > 0)
            .map(Answer::firstTokenNanos)
            .toList());
  }

  /// Between the tokens of each.
  static Millis gaps(List<Answer> answers) {
    List<Long> gaps = new ArrayList<>();
    for (Answer answer : answers) {
      for (int i = 1; i < answer.tokenNanos.length; i++) {
        gaps.add(answer.tokenNanos[i] - answer.tokenNanos[i - 1]);
      }
    }
    return Millis.ofNanos(gaps);
  }
}
