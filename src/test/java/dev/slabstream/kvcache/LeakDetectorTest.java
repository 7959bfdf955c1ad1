package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class LeakDetectorTest {
  private static final KvLayout LAYOUT = new KvLayout(2, 4, 1, 8, 16);

  private final LeakDetector leaks = new LeakDetector();

  @Test
  void tellsOfALeaseThatIsStillOpen() {
    KvSlab slab = leaks.slab(LAYOUT);
    KvLease lease = slab.lease(40, 0, 16).orElseThrow();
    lease.extend(17);
    assertThatThrownBy(leaks::check)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1 leases are open, with 2 blocks taken and 1 reserved");
    lease.close();
    slab.close();
  }

  @Test
  void tellsOfABlockThatWasWrittenWithoutALease() {
    KvSlab slab = leaks.slab(LAYOUT);
    slab.segment().set(ValueLayout.JAVA_FLOAT, LAYOUT.valueOffset(1, 3, 0) + 4, 0.5f);
    assertThatThrownBy(leaks::check)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("block 3 was written in layer 1 while it was free");
  }

  @Test
  void watchesSlabsThatOthersMade() {
    KvSlab slab = leaks.watch(new KvSlab(LAYOUT, SlabMemory.plain(LAYOUT.slabBytes())));
    KvLease lease = slab.lease(1, 0, 1).orElseThrow();
    assertThatThrownBy(leaks::check).hasMessageContaining("1 leases are open");
    lease.close();
    slab.close();
  }

  @Test
  void isContentWhenAllIsBackAndClosesTheSlab() {
    KvSlab slab = leaks.slab(LAYOUT);
    KvLease lease = slab.lease(40, 0, 16).orElseThrow();
    lease.extend(1);
    slab.segment().set(ValueLayout.JAVA_FLOAT, LAYOUT.keyOffset(0, lease.blockTable()[0], 0), 1f);
    lease.close();
    assertThatCode(leaks::check).doesNotThrowAnyException();
    assertThatThrownBy(() -> slab.segment().get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
