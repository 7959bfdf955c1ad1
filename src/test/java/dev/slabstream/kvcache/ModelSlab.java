package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/// What [KvSlab] is to do, written with maps and lists, slow and plain. It is told of each operation after the slab did it, learns
/// from the slab which free blocks were taken, and knows everything else by itself.
final class ModelSlab {
  private final int numBlocks;
  private final int blockTokens;
  final List<Lease> open = new ArrayList<>();

  /// Block by what it holds.
  private final Map<Content, Integer> published = new HashMap<>();

  private final Map<Integer, Lease> publishers = new HashMap<>();

  /// Published blocks that no lease has, the longest so in front.
  private final List<Integer> cached = new ArrayList<>();

  private final Map<ResetCause, Long> resets = new EnumMap<>(ResetCause.class);
  private final Map<EvictionCause, Long> evictions = new EnumMap<>(EvictionCause.class);

  /// All tokens up to the end of a block, and whose they are.
  private record Content(CacheScope scope, List<Integer> ids) {}

  /// A lease as it should be.
  static final class Lease {
    final KvLease lease;
    final CacheScope scope;
    final int[] ids;
    final int window;
    final int maxChunk;
    final BlockKeys keys;
    final int[] table;
    int numKeys;
    int computed;
    int endBlock;

    Lease(KvLease lease, CacheScope scope, int[] ids, int window, int maxChunk, BlockKeys keys) {
      this.lease = lease;
      this.scope = scope;
      this.ids = ids;
      this.window = window;
      this.maxChunk = maxChunk;
      this.keys = keys;
      table = lease.blockTable().clone();
    }

    int maxTokens() {
      return ids.length;
    }
  }

  ModelSlab(int numBlocks, int blockTokens) {
    this.numBlocks = numBlocks;
    this.blockTokens = blockTokens;
    for (ResetCause cause : ResetCause.values()) {
      resets.put(cause, 0L);
    }
    for (EvictionCause cause : EvictionCause.values()) {
      evictions.put(cause, 0L);
    }
  }

  int reserved(int maxTokens, int window, int maxChunk) {
    int all = (maxTokens + blockTokens - 1) / blockTokens;
    return window == 0
        ? all
        : Math.min(all, (window + maxChunk + blockTokens - 1) / blockTokens + 1);
  }

  /// Everybody gets all that was promised and may still be taken: a windowless lease what it has and what is left, where those that
  /// share count once; one with a window everything anew.
  boolean hasRoomFor(int needed) {
    BitSet kept = new BitSet();
    int promised = 0;
    for (Lease lease : open) {
      int all = reserved(lease.maxTokens(), lease.window, lease.maxChunk);
      if (lease.window == 0) {
        blocks(lease).stream().forEach(kept::set);
        promised += all - lease.endBlock;
      } else {
        promised += all;
      }
    }
    return kept.cardinality() + promised + needed <= numBlocks;
  }

  private static BitSet blocks(Lease lease) {
    BitSet blocks = new BitSet();
    Arrays.stream(lease.table).filter(block -> block >= 0).forEach(blocks::set);
    return blocks;
  }

  private BitSet leased() {
    BitSet leased = new BitSet();
    open.forEach(lease -> leased.or(blocks(lease)));
    return leased;
  }

  private int numFree() {
    return numBlocks - leased().cardinality() - cached.size();
  }

  private Content content(Lease lease, int block) {
    List<Integer> ids = Arrays.stream(lease.ids, 0, (block + 1) * blockTokens).boxed().toList();
    return new Content(lease.scope, ids);
  }

  private boolean isPublished(Lease lease, int block) {
    return published.containsKey(content(lease, block));
  }

  /// How many positions [KvLease#takeCached] has to find.
  int expectedHit(Lease lease, int end) {
    if (lease.computed != lease.endBlock * blockTokens) {
      return 0;
    }
    int limit = Math.min(Math.min(end, lease.maxTokens()) / blockTokens, lease.numKeys);
    for (int n = limit; n > lease.computed / blockTokens; n--) {
      boolean whole = true;
      for (int block = firstNeeded(lease, n); block < n; block++) {
        whole &= isPublished(lease, block);
      }
      if (whole) {
        return n * blockTokens - lease.computed;
      }
    }
    return 0;
  }

  /// The first block that a lease has to take to come to the end of `n` blocks.
  private int firstNeeded(Lease lease, int n) {
    int next = lease.computed / blockTokens;
    return next == 0 && lease.window > 0
        ? Math.min(Math.max(0, n * blockTokens - lease.window + 1) / blockTokens, n - 1)
        : next;
  }

  void took(Lease lease, int numPositions) {
    int end = (lease.computed + numPositions) / blockTokens;
    for (int block = firstNeeded(lease, end); block < end; block++) {
      int taken = published.getOrDefault(content(lease, block), -1);
      cached.remove((Integer) taken);
      lease.table[block] = taken;
      lease.endBlock = block + 1;
      lease.computed = lease.endBlock * blockTokens;
      giveBackOutsideWindow(lease);
    }
  }

  /// The slab has made `chunk` positions writable.
  void extended(Lease lease, int chunk) {
    int end = (lease.computed + chunk + blockTokens - 1) / blockTokens;
    for (; lease.endBlock < end; lease.endBlock++) {
      if (numFree() == 0) {
        evict(cached.getFirst(), EvictionCause.ROOM);
      }
      int block = lease.lease.blockTable()[lease.endBlock];
      assertThat(leased().get(block)).as("block %d is on lease", block).isFalse();
      assertThat(cached).as("blocks that are cached").doesNotContain(block);
      lease.table[lease.endBlock] = block;
    }
  }

  void advanced(Lease lease, int chunk) {
    int first = lease.computed / blockTokens;
    lease.computed += chunk;
    for (int block = first; block < lease.computed / blockTokens; block++) {
      Content content = content(lease, block);
      if (!lease.scope.isClosed() && !published.containsKey(content)) {
        published.put(content, lease.table[block]);
        publishers.put(lease.table[block], lease);
      }
    }
    giveBackOutsideWindow(lease);
  }

  private void giveBackOutsideWindow(Lease lease) {
    for (int block = 0; lease.window > 0 && block < lease.endBlock; block++) {
      if ((block + 1) * blockTokens <= lease.computed - lease.window + 1) {
        giveBack(lease, block);
      }
    }
  }

  private void giveBack(Lease lease, int entry) {
    int block = lease.table[entry];
    lease.table[entry] = -1;
    if (block >= 0 && !leased().get(block) && published.containsValue(block)) {
      cached.add(block);
    }
  }

  void closed(Lease lease, ResetCause cause) {
    if (cause == ResetCause.FAILED) {
      unpublish(block -> publishers.get(block) == lease, EvictionCause.FAILED);
    }
    for (int entry = lease.table.length - 1; entry >= 0; entry--) {
      giveBack(lease, entry);
    }
    open.remove(lease);
    resets.merge(cause, 1L, Long::sum);
  }

  void forgotten() {
    published.entrySet().stream()
        .filter(entry -> entry.getKey().scope.isClosed())
        .map(Map.Entry::getValue)
        .toList()
        .forEach(forgotten -> unpublish(block -> block == forgotten, EvictionCause.FORGOTTEN));
  }

  private void unpublish(IntPredicate which, EvictionCause cause) {
    for (int block : List.copyOf(published.values())) {
      if (which.test(block)) {
        if (cached.contains(block)) {
          evict(block, cause);
        } else {
          published.values().remove(block);
        }
      }
    }
  }

  private void evict(int block, EvictionCause cause) {
    cached.remove((Integer) block);
    published.values().remove(block);
    evictions.merge(cause, 1L, Long::sum);
  }

  /// Holds everything that can be seen of the slab against this.
  void check(KvSlab slab) {
    for (Lease lease : open) {
      assertThat(lease.lease.numComputedTokens()).isEqualTo(lease.computed);
      assertThat(lease.lease.blockTable()).isEqualTo(lease.table);
    }
    KvStats stats = slab.stats();
    assertThat(stats.leasedBlocks()).isEqualTo(leased().cardinality());
    assertThat(stats.cachedBlocks()).isEqualTo(cached.size());
    assertThat(stats.freeBlocks()).isEqualTo(numFree());
    int available = 0;
    while (hasRoomFor(available + 1)) {
      available++;
    }
    assertThat(stats.freeBlocks() + stats.cachedBlocks() - stats.reservedBlocks())
        .as("blocks that can be promised")
        .isEqualTo(available);
    assertThat(stats.openLeases()).isEqualTo(open.size());
    assertThat(stats.resets()).isEqualTo(resets);
    assertThat(stats.evictions()).isEqualTo(evictions);
    for (int block = 0; block < numBlocks; block++) {
      assertThat(slab.isCached(block)).as("block %d", block).isEqualTo(cached.contains(block));
    }
  }
}
