package dev.slabstream.config;

/// Is told what loading does, as it begins to do it, on the loading thread.
@FunctionalInterface
public interface LoadProgress {
  /// Tells nobody.
  LoadProgress SILENT = _ -> {};

  /// @param doing in words that a client may be given: `reading the weights`
  void begin(String doing);
}
