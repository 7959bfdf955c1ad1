package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Blocks that are found again: which, by whom, and how long.
class PrefixCacheTest {
  private static final int[] IDS = IntStream.range(0, 200).toArray();

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final KvSlab slab = leaks.slab(new KvLayout(2, 8, 1, 8, 16));
  private final CacheScope scope = new CacheScope();

  private static BlockKeys keys(CacheScope scope, int... ids) {
    BlockKeys keys = new BlockKeys(scope, 16, ids.length);
    keys.extend(ids, ids.length);
    return keys;
  }

  private static int[] ids(int count) {
    return Arrays.copyOf(IDS, count);
  }

  private KvLease lease(int maxTokens) {
    return slab.lease(maxTokens, 0, maxTokens).orElseThrow();
  }

  /// A lease that has computed `count` positions and published what is full.
  private KvLease computed(CacheScope scope, int count, int... ids) {
    KvLease lease = lease(ids.length);
    lease.extend(count);
    lease.advance(count, keys(scope, ids));
    return lease;
  }

  private void leave(CacheScope scope, int... ids) {
    computed(scope, ids.length, ids).close(ResetCause.FINISHED);
  }

  @Test
  void aLaterLeaseTakesFullBlocksByReferenceWhileTheFirstStillRuns() {
    try (KvLease first = computed(scope, 40, ids(48));
        KvLease second = lease(48)) {
      assertThat(first.blockTable()).containsExactly(0, 1, 2);
      assertThat(second.takeCached(keys(scope, ids(48)), 47)).isEqualTo(32);
      assertThat(second.numComputedTokens()).isEqualTo(32);
      // What comes next is its own.
      second.extend(16);
      assertThat(second.blockTable()).containsExactly(0, 1, 3);
      assertThat(slab.stats().leasedBlocks()).isEqualTo(4);
    }
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
    assertThat(slab.stats().freeBlocks()).isEqualTo(6);
  }

  @Test
  void whatAFinishedAndACancelledLeaseLeaveIsFoundAgain() {
    leave(scope, ids(32));
    computed(scope, 16, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9).close();
    assertThat(slab.stats().cachedBlocks()).isEqualTo(3);
    try (KvLease next = lease(40)) {
      assertThat(next.takeCached(keys(scope, ids(40)), 39)).isEqualTo(32);
      assertThat(next.blockTable()).containsExactly(0, 1, -1);
      assertThat(slab.stats().cachedBlocks()).isEqualTo(1);
    }
  }

  @Test
  void takesNothingBeyondTheEndThatItIsGivenNorBetweenBoundaries() {
    leave(scope, ids(64));
    BlockKeys keys = keys(scope, ids(64));
    try (KvLease lease = lease(64)) {
      assertThat(lease.takeCached(keys, 15)).isZero();
      assertThat(lease.takeCached(keys, 16)).isEqualTo(16);
      assertThat(lease.takeCached(keys, 47)).isEqualTo(16);
      lease.extend(5);
      lease.advance(5, keys);
      assertThat(lease.takeCached(keys, 64)).isZero();
      lease.extend(11);
      lease.advance(11, keys);
      assertThat(lease.takeCached(keys, 64)).isEqualTo(16);
      assertThat(lease.numComputedTokens()).isEqualTo(64);
    }
  }

  @Test
  void aBlockIsFoundOnlyBehindTheSameTokensAndInTheSameScope() {
    leave(scope, ids(32));
    int[] otherFirst = ids(32);
    otherFirst[0]++;
    int[] otherSecond = ids(32);
    otherSecond[31]++;
    try (KvLease lease = lease(33)) {
      assertThat(lease.takeCached(keys(new CacheScope(), ids(32)), 32)).isZero();
      assertThat(lease.takeCached(keys(scope, otherFirst), 32)).isZero();
      assertThat(lease.takeCached(keys(scope, otherSecond), 32)).isEqualTo(16);
    }
  }

  @Test
  void twoThatComputeTheSameAtTheSameTimeKeepTheirOwnAndOneOfThemIsFound() {
    KvLease first = computed(scope, 16, ids(16));
    KvLease second = computed(scope, 16, ids(16));
    assertThat(second.blockTable()).containsExactly(1);
    second.close(ResetCause.FINISHED);
    assertThat(slab.stats().cachedBlocks()).isZero();
    first.close(ResetCause.FINISHED);
    assertThat(slab.isCached(0)).isTrue();
    assertThat(slab.isCached(1)).isFalse();
  }

  @Test
  void cachedBlocksAreEvictedOnlyWhenNoneIsFreeTheTailOfTheOldestPrefixFirst() {
    leave(scope, ids(48));
    leave(scope, Arrays.copyOfRange(IDS, 100, 132));
    // Using it again makes the first prefix the younger one.
    try (KvLease lease = lease(48)) {
      assertThat(lease.takeCached(keys(scope, ids(48)), 48)).isEqualTo(48);
    }
    KvLease large = lease(128);
    large.extend(48);
    assertThat(slab.stats().freeBlocks()).isZero();
    assertThat(slab.stats().evictions()).containsEntry(EvictionCause.ROOM, 0L);
    // Blocks 0, 1, 2 hold the first prefix, 3 and 4 the other.
    large.extend(64);
    assertThat(large.blockTable()).startsWith(5, 6, 7, 4);
    assertThat(slab.isCached(3)).isTrue();
    large.extend(96);
    assertThat(large.blockTable()).startsWith(5, 6, 7, 4, 3, 2);
    assertThat(slab.isCached(0)).isTrue();
    assertThat(slab.isCached(1)).isTrue();
    large.extend(128);
    assertThat(slab.stats().evictions()).containsEntry(EvictionCause.ROOM, 5L);
    large.close();
    assertThat(slab.stats().freeBlocks()).isEqualTo(8);
  }

  @Test
  void anEvictedBlockIsResetBeforeItsNextLeaseHasIt() {
    KvLease first = computed(scope, 128, ids(128));
    long key = slab.layout().keyOffset(0, 3, 0);
    slab.segment().set(ValueLayout.JAVA_FLOAT, key, 1f);
    first.close(ResetCause.FINISHED);
    assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, key)).isEqualTo(1f);
    try (KvLease second = lease(128)) {
      second.extend(128);
      assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, key)).isNaN();
    }
  }

  @Test
  void sharedBlocksAreReservedOnceAndCachedOnesLikeFreeOnes() {
    KvLease first = computed(scope, 64, ids(64));
    KvLease second = lease(64);
    assertThat(slab.lease(1, 0, 1)).isEmpty();
    assertThat(second.takeCached(keys(scope, ids(64)), 63)).isEqualTo(48);
    // Eight blocks less the four of the first and the one that the second still needs.
    KvLease third = lease(48);
    assertThat(slab.lease(1, 0, 1)).isEmpty();
    first.close(ResetCause.FINISHED);
    third.close();
    // Three are the second's, one is cached. Whoever takes that one takes its place as well.
    assertThat(slab.stats().cachedBlocks()).isEqualTo(1);
    KvLease fourth = lease(64);
    assertThat(slab.lease(1, 0, 1)).isEmpty();
    assertThat(fourth.takeCached(keys(scope, ids(64)), 64)).isEqualTo(64);
    KvLease fifth = lease(48);
    second.extend(16);
    fifth.extend(48);
    assertThat(slab.stats().freeBlocks()).isZero();
    assertThat(slab.stats().leasedBlocks()).isEqualTo(8);
    second.close();
    fourth.close();
    fifth.close();
  }

  @Test
  void whatAFailedLeasePublishedIsFoundNoMoreButStaysWithWhoHasIt() {
    KvLease failing = computed(scope, 48, ids(48));
    KvLease sharer = lease(48);
    assertThat(sharer.takeCached(keys(scope, ids(48)), 47)).isEqualTo(32);
    failing.close(ResetCause.FAILED);
    try (KvLease late = lease(48)) {
      assertThat(late.takeCached(keys(scope, ids(48)), 47)).isZero();
    }
    assertThat(sharer.blockTable()).startsWith(0, 1);
    assertThat(slab.stats().leasedBlocks()).isEqualTo(2);
    sharer.close(ResetCause.FINISHED);
    assertThat(slab.stats().freeBlocks()).isEqualTo(8);
  }

  @Test
  void aFailedLeaseUnpublishesOnlyWhatItPublishedItself() {
    leave(scope, ids(32));
    KvLease failing = lease(64);
    BlockKeys keys = keys(scope, ids(64));
    assertThat(failing.takeCached(keys, 63)).isEqualTo(32);
    failing.extend(32);
    failing.advance(32, keys);
    failing.close(ResetCause.FAILED);
    assertThat(slab.stats().cachedBlocks()).isEqualTo(2);
    assertThat(slab.isCached(0)).isTrue();
    assertThat(slab.isCached(1)).isTrue();
  }

  @Test
  void aClosedScopeLeavesNothingBehind() {
    CacheScope other = new CacheScope();
    leave(other, ids(16));
    leave(scope, ids(32));
    KvLease running = lease(64);
    BlockKeys keys = keys(scope, ids(64));
    assertThat(running.takeCached(keys, 16)).isEqualTo(16);
    running.extend(16);
    scope.close();
    slab.forgetClosedScopes();
    // Block 2 was cached; block 1 is on lease, and nobody finds it.
    assertThat(slab.stats().evictions()).containsEntry(EvictionCause.FORGOTTEN, 1L);
    assertThat(slab.isCached(0)).isTrue();
    try (KvLease late = lease(33)) {
      assertThat(late.takeCached(keys(scope, ids(32)), 32)).isZero();
    }
    running.advance(16, keys);
    running.close(ResetCause.FINISHED);
    assertThat(slab.stats().cachedBlocks()).isEqualTo(1);
    assertThat(slab.stats().freeBlocks()).isEqualTo(7);
  }

  @Test
  void aLeaseWithAWindowNeedsOnlyTheBlocksInIt() {
    KvSlab large = leaks.slab(new KvLayout(1, 12, 1, 8, 16));
    BlockKeys keys = keys(scope, ids(96));
    KvLease first = large.lease(96, 20, 96).orElseThrow();
    first.extend(96);
    first.advance(96, keys);
    // It sees from 77 on: blocks 0 to 3 went back, and can be found.
    assertThat(first.blockTable()).containsExactly(-1, -1, -1, -1, 4, 5);
    first.close(ResetCause.FINISHED);
    assertThat(large.stats().cachedBlocks()).isEqualTo(6);
    KvLease filler = large.lease(8 * 16, 0, 8 * 16).orElseThrow();
    filler.extend(8 * 16);
    filler.close();
    // Blocks 0 and 1 went back first, so they are evicted. The position after 63 sees from 45 on.
    assertThat(large.stats().evictions()).containsEntry(EvictionCause.ROOM, 2L);
    try (KvLease second = large.lease(96, 20, 16).orElseThrow()) {
      assertThat(second.takeCached(keys, 79)).isEqualTo(64);
      assertThat(second.blockTable()).containsExactly(-1, -1, 2, 3, -1, -1);
      second.extend(16);
      second.advance(16, keys);
      assertThat(second.blockTable()).startsWith(-1, -1, -1, 3);
      // Its own block 4 stays private; block 5 is there.
      assertThat(second.takeCached(keys, 96)).isEqualTo(16);
      assertThat(second.blockTable()).startsWith(-1, -1, -1, -1).endsWith(5);
    }
    // Without a window nothing is found, as the first block is gone.
    try (KvLease whole = large.lease(96, 0, 96).orElseThrow()) {
      assertThat(whole.takeCached(keys, 96)).isZero();
    }
  }

  @Test
  void aWindowTakesTheLongestBeginningWhoseWindowIsWhole() {
    // Published: blocks 0, 1, 2 and 4; block 3 is missing.
    int[] ids = ids(96);
    BlockKeys keys = keys(scope, ids);
    KvSlab large = leaks.slab(new KvLayout(1, 12, 1, 8, 16));
    KvLease all = large.lease(96, 0, 96).orElseThrow();
    all.extend(80);
    all.advance(48, keys);
    all.advance(16);
    all.advance(16, keys);
    try (KvLease wide = large.lease(96, 33, 8).orElseThrow()) {
      assertThat(wide.takeCached(keys, 95)).isEqualTo(48);
      // The position after 47 sees from 16 on.
      assertThat(wide.blockTable()).startsWith(-1, 1, 2, -1);
    }
    try (KvLease narrow = large.lease(96, 17, 8).orElseThrow()) {
      // The position after 79 sees from 64 on: block 4 alone.
      assertThat(narrow.takeCached(keys, 95)).isEqualTo(80);
      assertThat(narrow.blockTable()).startsWith(-1, -1, -1, -1, 4, -1);
    }
    all.close();
  }

  /// A lease with a window wants another block for each that it gives back, also for one that somebody else still has.
  @Test
  void aWindowNeverGivesAwayWhatItMayWantAgain() {
    KvSlab small = leaks.slab(new KvLayout(1, 6, 1, 8, 16));
    BlockKeys keys = keys(scope, ids(160));
    // Three blocks each: window and chunk of 16, and one for where they begin.
    KvLease first = small.lease(160, 16, 16).orElseThrow();
    first.extend(16);
    first.advance(16, keys);
    KvLease second = small.lease(160, 16, 16).orElseThrow();
    assertThat(second.takeCached(keys, 159)).isEqualTo(16);
    assertThat(small.stats().leasedBlocks()).isEqualTo(1);
    assertThat(small.lease(1, 0, 1)).isEmpty();
    int[] ids = ids(160);
    Arrays.fill(ids, 16, 160, 7);
    BlockKeys others = keys(scope, ids);
    for (int i = 16; i < 160; i += 16) {
      first.extend(16);
      second.extend(16);
      first.advance(16, keys);
      second.advance(16, others);
    }
    first.close();
    second.close();
    assertThat(small.lease(96, 0, 96)).hasValueSatisfying(KvLease::close);
  }

  @Test
  void zeroedBlocksHoldNothingOfWhoHadThem() {
    for (KvType type : KvType.values()) {
      KvLayout layout = new KvLayout(2, 4, 3, 40, 16, type);
      try (KvSlab zeroed =
          new KvSlab(layout, SlabMemory.plain(layout.slabBytes()), ResetFill.ZERO)) {
        KvLease other = zeroed.lease(16, 0, 16).orElseThrow();
        other.extend(16);
        KvLease lease = zeroed.lease(40, 0, 40).orElseThrow();
        lease.extend(40);
        zeroed.segment().fill((byte) 1);
        lease.close(ResetCause.FINISHED);
        byte[] all = zeroed.segment().toArray(ValueLayout.JAVA_BYTE);
        int block = other.blockTable()[0];
        for (int layer = 0; layer < 2; layer++) {
          for (int b = 0; b < 4; b++) {
            int from = (int) layout.keyOffset(layer, b, 0);
            byte[] bytes = Arrays.copyOfRange(all, from, from + (int) layout.blockLayerBytes());
            assertThat(bytes).containsOnly(b == block ? 1 : 0);
          }
        }
        other.close();
      }
    }
  }

  @Test
  void statisticsCountEachBlockOnce() {
    leave(scope, ids(48));
    try (KvLease first = lease(64);
        KvLease second = lease(64)) {
      first.takeCached(keys(scope, ids(64)), 32);
      second.takeCached(keys(scope, ids(64)), 32);
      KvStats stats = slab.stats();
      assertThat(stats.leasedBlocks()).isEqualTo(2);
      assertThat(stats.cachedBlocks()).isEqualTo(1);
      assertThat(stats.freeBlocks()).isEqualTo(5);
      assertThat(stats.reservedBlocks()).isEqualTo(4);
      assertThat(stats.highWaterBlocks()).isEqualTo(3);
      assertThat(stats.evictions())
          .isEqualTo(
              Map.of(
                  EvictionCause.ROOM, 0L, EvictionCause.FORGOTTEN, 0L, EvictionCause.FAILED, 0L));
    }
  }
}
