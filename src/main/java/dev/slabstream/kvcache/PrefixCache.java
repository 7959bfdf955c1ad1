package dev.slabstream.kvcache;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Which blocks are published, and under which key: the index of [BlockPool], under its lock.
final class PrefixCache {
  static final int NONE = -1;

  private final Map<BlockKey, Integer> blocks;
  private final @Nullable BlockKey[] keys;
  private final @Nullable CacheScope[] scopes;
  private final long[] publishers;

  PrefixCache(int numBlocks) {
    // Never grows: publishing happens in the middle of a step.
    blocks = HashMap.newHashMap(numBlocks);
    keys = new BlockKey[numBlocks];
    scopes = new CacheScope[numBlocks];
    publishers = new long[numBlocks];
  }

  /// The block that is published under `key`, or [#NONE].
  int find(BlockKey key) {
    Integer block = blocks.get(key);
    return block == null ? NONE : block;
  }

  boolean isPublished(int block) {
    return keys[block] != null;
  }

  /// Publishes a block that is not; false, and nothing, if another one has the key, or the scope is closed.
  ///
  /// @param publisher the lease that computed it
  boolean publish(int block, BlockKey key, CacheScope scope, long publisher) {
    if (scope.isClosed() || blocks.putIfAbsent(key, block) != null) {
      return false;
    }
    keys[block] = key;
    scopes[block] = scope;
    publishers[block] = publisher;
    return true;
  }

  void unpublish(int block) {
    blocks.remove(keys[block]);
    keys[block] = null;
    scopes[block] = null;
  }

  boolean isPublishedBy(int block, long publisher) {
    return keys[block] != null && publishers[block] == publisher;
  }

  boolean isOfClosedScope(int block) {
    CacheScope scope = scopes[block];
    return scope != null && scope.isClosed();
  }
}
