package dev.slabstream.cli;

import dev.slabstream.config.LoadSettings;
import dev.slabstream.tensor.KvType;
import picocli.CommandLine.Option;

/// How keys and values are kept.
final class CacheOptions {
  @Option(
      names = "--kv-cache-type",
      defaultValue = LoadSettings.DEFAULT_KV_TYPE,
      description =
          "Type of keys and values in the cache: ${COMPLETION-CANDIDATES}. Default:"
              + " ${DEFAULT-VALUE}")
  private KvType type = KvType.valueOf(LoadSettings.DEFAULT_KV_TYPE);

  KvType type() {
    return type;
  }
}
