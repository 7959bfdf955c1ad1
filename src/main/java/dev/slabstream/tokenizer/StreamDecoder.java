package dev.slabstream.tokenizer;

/// Turns the ids of one stream into text, piece by piece, and never splits a character: bytes of an unfinished UTF-8 sequence are
/// held back. A character is a code point: combining marks and the parts of a joined emoji come as they are made, in order. The pieces and the tail together are exactly what [Tokenizer#decode] gives for all the ids. Not thread-safe.
public interface StreamDecoder {
  /// The text that is certain after `id`; may be empty.
  String next(int id);

  /// Whether bytes of an unfinished character are held back, so that [#finish()] would not be empty.
  boolean holdsBack();

  /// What is left: an unfinished sequence becomes U+FFFD. Call once, at the end.
  String finish();
}
