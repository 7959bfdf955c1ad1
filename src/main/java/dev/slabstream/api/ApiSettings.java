package dev.slabstream.api;

import java.time.Duration;

/// @param maxBodyBytes the longest request body
/// @param keepAlive how long a stream may be silent before a comment is sent
public record ApiSettings(
    int maxBodyBytes, UnknownParameters unknownParameters, Duration keepAlive) {
  public ApiSettings {
    if (maxBodyBytes < 1) {
      throw new IllegalArgumentException("maxBodyBytes must be at least 1; got " + maxBodyBytes);
    }
    if (!keepAlive.isPositive()) {
      throw new IllegalArgumentException("keepAlive must be positive; got " + keepAlive);
    }
  }
}
