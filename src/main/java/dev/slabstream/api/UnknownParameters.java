package dev.slabstream.api;

/// What becomes of a field that the API does not know.
public enum UnknownParameters {
  /// The request is refused, with the nearest known name.
  REFUSE,
  /// The field is passed over.
  IGNORE
}
