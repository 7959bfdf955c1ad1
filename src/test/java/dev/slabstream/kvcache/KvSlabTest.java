package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvSlabTest {
  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final KvSlab slab = leaks.slab(new KvLayout(2, 8, 1, 8, 16));

  @Test
  void takesBlocksInOrderAndOnlyWhenPositionsNeedThem() {
    try (KvLease lease = slab.lease(40, 0, 16).orElseThrow()) {
      assertThat(lease.slab()).isSameAs(slab);
      assertThat(lease.blockTable()).containsExactly(-1, -1, -1);
      lease.extend(16);
      assertThat(lease.blockTable()).containsExactly(0, -1, -1);
      lease.advance(16);
      assertThat(lease.numComputedTokens()).isEqualTo(16);
      assertThat(lease.blockTable()).containsExactly(0, -1, -1);
      lease.extend(1);
      assertThat(lease.blockTable()).containsExactly(0, 1, -1);
      lease.extend(24);
      assertThat(lease.blockTable()).containsExactly(0, 1, 2);
      lease.advance(24);
      assertThat(lease.numComputedTokens()).isEqualTo(40);
    }
  }

  @Test
  void givesTheBlocksThatCameBackLastToTheNextLeaseInTheirOrder() {
    KvLease first = slab.lease(48, 0, 48).orElseThrow();
    KvLease second = slab.lease(16, 0, 16).orElseThrow();
    first.extend(48);
    second.extend(16);
    assertThat(first.blockTable()).containsExactly(0, 1, 2);
    assertThat(second.blockTable()).containsExactly(3);
    first.close();
    KvLease third = slab.lease(80, 0, 80).orElseThrow();
    third.extend(80);
    assertThat(third.blockTable()).containsExactly(0, 1, 2, 4, 5);
    second.close();
    third.close();
  }

  @Test
  void reservesTheWholeNeedAtOnceAndAnswersNoRoomWithEmpty() {
    KvLease large = slab.lease(96, 0, 16).orElseThrow();
    assertThat(slab.stats().reservedBlocks()).isEqualTo(6);
    assertThat(slab.stats().freeBlocks()).isEqualTo(8);
    assertThat(slab.lease(33, 0, 16)).isEmpty();
    KvLease small = slab.lease(32, 0, 16).orElseThrow();
    assertThat(slab.lease(1, 0, 16)).isEmpty();
    // What was promised is there, whoever takes first.
    small.extend(32);
    large.extend(96);
    assertThat(slab.stats().freeBlocks()).isZero();
    small.close();
    large.close();
  }

  @Test
  void refusesWhatCouldNeverFitWithTheNumbers() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> slab.lease(129, 0, 16))
        .withMessage("maxTokens 129 needs 9 blocks of 16 tokens; the whole slab has 8");
    assertThatIllegalArgumentException().isThrownBy(() -> slab.lease(0, 0, 16));
    assertThatIllegalArgumentException().isThrownBy(() -> slab.lease(1, -1, 16));
    assertThatIllegalArgumentException().isThrownBy(() -> slab.lease(1, 0, 0));
  }

  @Test
  void givesBlocksOutsideTheWindowBackWhileTheSequenceRuns() {
    // Window 20, chunks of up to 8: 28 positions are 2 blocks, and one more for where they begin.
    assertThat(slab.blocksNeeded(1000, 20, 8)).isEqualTo(3);
    try (KvLease lease = slab.lease(1000, 20, 8).orElseThrow();
        KvLease other = slab.lease(80, 0, 80).orElseThrow()) {
      compute(lease, 8, 8, 8, 8);
      // Position 32 sees 13 .. 32: block 0 is still wanted.
      assertThat(lease.blockTable()).startsWith(0, 1, -1);
      compute(lease, 2);
      // Position 34 sees 15 .. 34.
      assertThat(lease.blockTable()).startsWith(0, 1, 2);
      compute(lease, 1);
      // Position 35 sees 16 .. 35.
      assertThat(lease.blockTable()).startsWith(-1, 1, 2, -1);
      assertThat(slab.stats().leasedBlocks()).isEqualTo(2);
      assertThat(slab.stats().reservedBlocks()).isEqualTo(6);
      other.extend(80);
      assertThat(other.blockTable()).containsExactly(0, 3, 4, 5, 6);
      compute(lease, 8, 8);
      assertThat(lease.blockTable()).startsWith(-1, -1, 2, 7, -1);
      for (int i = 51; i < 1000; i++) {
        compute(lease, 1);
        assertThat(slab.stats().leasedBlocks()).isLessThanOrEqualTo(8);
      }
      assertThat(lease.numComputedTokens()).isEqualTo(1000);
    }
    assertThat(slab.stats().freeBlocks()).isEqualTo(8);
  }

  @Test
  void reservesNoMoreForAWindowThanForTheWholeSequence() {
    assertThat(slab.blocksNeeded(30, 20, 8)).isEqualTo(2);
    assertThat(slab.blocksNeeded(1000, Integer.MAX_VALUE, Integer.MAX_VALUE)).isEqualTo(63);
    assertThat(slab.blocksNeeded(Integer.MAX_VALUE, 0, 1)).isEqualTo(1 << 27);
  }

  @Test
  void holdsALeaseToWhatItReserved() {
    try (KvLease lease = slab.lease(40, 0, 16).orElseThrow();
        KvLease windowed = slab.lease(40, 16, 8).orElseThrow()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> lease.extend(41))
          .withMessageContaining("1 to 40");
      assertThatIllegalArgumentException().isThrownBy(() -> lease.extend(0));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> lease.advance(1))
          .withMessageContaining("1 to 0");
      lease.extend(40);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> lease.advance(41))
          .withMessageContaining("1 to 40");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> windowed.extend(9))
          .withMessageContaining("at most the chunk of 8");
    }
  }

  @Test
  void resetsWhenClosedOnceAndCountsTheCause() {
    for (ResetCause cause : ResetCause.values()) {
      KvLease lease = slab.lease(40, 0, 16).orElseThrow();
      lease.extend(20);
      lease.advance(20);
      lease.close(cause);
      lease.close(ResetCause.FAILED);
      lease.close();
      assertThatIllegalStateException().isThrownBy(lease::numComputedTokens);
      assertThatIllegalStateException().isThrownBy(lease::blockTable);
      assertThatIllegalStateException().isThrownBy(() -> lease.extend(1));
      assertThatIllegalStateException().isThrownBy(() -> lease.advance(1));
    }
    assertThat(slab.stats())
        .isEqualTo(
            new KvStats(
                8,
                16,
                slab.layout().slabBytes(),
                8,
                0,
                0,
                0,
                2,
                0,
                Map.of(ResetCause.FINISHED, 1L, ResetCause.FAILED, 1L, ResetCause.CANCELLED, 1L),
                Map.of(
                    EvictionCause.ROOM,
                    0L,
                    EvictionCause.FORGOTTEN,
                    0L,
                    EvictionCause.FAILED,
                    0L)));
  }

  @Test
  void aTableThatWasReadBeforeTheResetNamesNoBlockAfterIt() {
    KvLease lease = slab.lease(16, 0, 16).orElseThrow();
    lease.extend(16);
    int[] table = lease.blockTable();
    lease.close();
    assertThat(table).containsExactly(-1);
  }

  @Test
  void freeBlocksHoldNanWhenAskedFor() {
    KvLease lease = slab.lease(16, 0, 16).orElseThrow();
    lease.extend(16);
    long value = slab.layout().valueOffset(1, lease.blockTable()[0], 0);
    assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, value)).isNaN();
    slab.segment().set(ValueLayout.JAVA_FLOAT, value, 1f);
    lease.close();
    assertThat(slab.segment().get(ValueLayout.JAVA_FLOAT, value)).isNaN();
  }

  @Test
  void isNotClosedWithLeasesOpen() {
    KvLease lease = slab.lease(40, 0, 16).orElseThrow();
    lease.extend(17);
    assertThatIllegalStateException()
        .isThrownBy(slab::close)
        .withMessage("1 leases with 2 blocks are open: close them before the slab");
    assertThat(slab.segment().scope().isAlive()).isTrue();
    lease.close();
    slab.close();
    slab.close();
    assertThat(slab.segment().scope().isAlive()).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> slab.lease(1, 0, 1));
  }

  @Test
  void needsMemoryAsLargeAsItsLayout() {
    KvLayout layout = slab.layout();
    try (SlabMemory small = SlabMemory.plain(layout.slabBytes() - 4)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new KvSlab(layout, small))
          .withMessageContaining(Long.toString(layout.slabBytes()));
    }
  }

  /// The leak detector looks, at the end, whether free blocks are full of NaN again.
  @ParameterizedTest
  @EnumSource
  void aSlabOfAnyTypeIsAccountedForAndResetToItsLastByte(KvType type) {
    KvSlab typed = leaks.slab(new KvLayout(2, 8, 3, 40, 16, type));
    KvLayout layout = typed.layout();
    assertThat(typed.stats().slabBytes()).isEqualTo(8 * layout.blockBytes());
    assertThat(layout.blockBytes()).isEqualTo(16 * layout.tokenBytes());
    try (KvLease lease = typed.lease(100, 0, 100).orElseThrow()) {
      compute(lease, 100);
      for (int i = 0; i < 7; i++) {
        for (int layer = 0; layer < 2; layer++) {
          long block = layout.keyOffset(layer, lease.blockTable()[i], 0);
          typed.segment().asSlice(block, layout.blockLayerBytes()).fill((byte) 1);
        }
      }
    }
    assertThat(typed.stats().freeBlocks()).isEqualTo(8);
    byte[] all = typed.segment().toArray(ValueLayout.JAVA_BYTE);
    assertThat(all).hasSize((int) layout.slabBytes()).containsOnly(0xFF);
  }

  private static void compute(KvLease lease, int... chunks) {
    for (int chunk : chunks) {
      lease.extend(chunk);
      lease.advance(chunk);
    }
  }
}
