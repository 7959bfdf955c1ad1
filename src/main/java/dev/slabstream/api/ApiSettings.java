package dev.slabstream.api;

import java.time.Duration;

/// @param maxBodyBytes the longest request body
/// @param bodyTimeout how long the body of a request may take to come
/// @param keepAlive how long a stream may be silent before a comment is sent
public record ApiSettings(
    int maxBodyBytes,
    Duration bodyTimeout,
    UnknownParameters unknownParameters,
    Duration keepAlive) {
  public ApiSettings {
    if (maxBodyBytes < 1) {
      throw new IllegalArgumentException("maxBodyBytes must be at least 1; got " + maxBodyBytes);
    }
    positive("bodyTimeout", bodyTimeout);
    positive("keepAlive", keepAlive);
  }

  private static void positive(String name, Duration value) {
    if (!value.isPositive()) {
      throw new IllegalArgumentException(name + " must be positive; got " + value);
    }
  }
}
