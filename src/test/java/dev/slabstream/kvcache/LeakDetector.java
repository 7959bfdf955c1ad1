package dev.slabstream.kvcache;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Fails a test that leaves a lease open or wrote to a block that it had not leased, and closes the slabs it knows of.
///
/// ```java
/// @RegisterExtension final LeakDetector leaks = new LeakDetector();
///
/// KvSlab slab = leaks.slab(new KvLayout(2, 64, 2, 16, 16));
/// ```
public final class LeakDetector implements AfterEachCallback {
  private final List<Watched> watched = new ArrayList<>();

  private record Watched(KvSlab slab, ResetFill fill) {}

  /// A slab in plain memory whose free blocks are full of NaN.
  public KvSlab slab(KvLayout layout) {
    KvSlab slab = new KvSlab(layout, SlabMemory.plain(layout.slabBytes()), ResetFill.NAN);
    watched.add(new Watched(slab, ResetFill.NAN));
    return slab;
  }

  /// Watches a slab that somebody else made.
  public KvSlab watch(KvSlab slab) {
    watched.add(new Watched(slab, ResetFill.KEEP));
    return slab;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    check();
  }

  /// What happens after each test.
  void check() {
    List<String> faults = new ArrayList<>();
    for (Watched each : watched) {
      KvStats stats = each.slab.stats();
      if (stats.openLeases() != 0 || stats.leasedBlocks() != 0 || stats.reservedBlocks() != 0) {
        faults.add(
            "%d leases are open, with %d blocks taken and %d reserved"
                .formatted(stats.openLeases(), stats.leasedBlocks(), stats.reservedBlocks()));
        continue;
      }
      if (each.fill == ResetFill.NAN && each.slab.segment().scope().isAlive()) {
        faults.addAll(blocksWrittenWhileFree(each.slab));
      }
      each.slab.close();
    }
    watched.clear();
    if (!faults.isEmpty()) {
      throw new AssertionError("the slab leaks: " + String.join("; ", faults));
    }
  }

  private static List<String> blocksWrittenWhileFree(KvSlab slab) {
    KvLayout layout = slab.layout();
    List<String> faults = new ArrayList<>();
    for (int block = 0; block < layout.numBlocks(); block++) {
      if (slab.isCached(block)) {
        continue;
      }
      for (int layer = 0; layer < layout.numLayers(); layer++) {
        if (!isAllNan(
            slab.segment(), layout.keyOffset(layer, block, 0), layout.blockLayerBytes())) {
          faults.add("block %d was written in layer %d while it was free".formatted(block, layer));
          break;
        }
      }
    }
    return faults;
  }

  private static boolean isAllNan(MemorySegment segment, long offset, long bytes) {
    for (long i = 0; i < bytes; i += Float.BYTES) {
      if (!Float.isNaN(segment.get(ValueLayout.JAVA_FLOAT, offset + i))) {
        return false;
      }
    }
    return true;
  }
}
