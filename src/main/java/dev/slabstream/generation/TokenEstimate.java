package dev.slabstream.generation;

/// Guesses how many tokens a text will have, from those that were tokenized lately. Thread-safe.
final class TokenEstimate {
  /// What is longer ago than this many characters (UTF-16 units) of text fades.
  private static final double WINDOW = 100_000;

  // English text in a vocabulary of some ten thousands: four characters to a token. Counts as a
  // page of text.
  private double chars = 2_000;
  private double tokens = 500;

  synchronized void learn(int numChars, int numTokens) {
    chars += numChars;
    tokens += numTokens;
    if (chars > WINDOW) {
      tokens *= WINDOW / chars;
      chars = WINDOW;
    }
  }

  synchronized int of(String text) {
    return (int) Math.ceil(text.length() * tokens / chars);
  }
}
